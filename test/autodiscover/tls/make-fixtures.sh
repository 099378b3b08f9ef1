#!/bin/sh
# Makes fixtures/ anew with OpenSSL 3: key pairs and PFX files in the forms that certificate stores export. Valid until 2126; all
# passphrases are "lab".
set -eu
cd "$(dirname "$0")"
rm -rf fixtures
mkdir fixtures
cd fixtures
issue() { openssl req -x509 -newkey "$@" -nodes -days 36500 -addext "subjectAltName=DNS:autodiscover.contoso.test" -subj "/CN=$name"; }
name=rsa issue rsa:2048 -keyout rsa.key -out rsa.pem
name=other issue rsa:2048 -keyout other.key -out other.pem
name=ec issue ec -pkeyopt ec_paramgen_curve:P-256 -keyout ec.key -out ec.pem
openssl ec -in ec.key -out ec-sec1.key
openssl rsa -in rsa.key -aes256 -passout pass:lab -out rsa-encrypted.key
openssl rsa -in rsa.key -aes256 -traditional -passout pass:lab -out rsa-encrypted-traditional.key
pfx() { openssl pkcs12 -export -passout "pass:$pass" -out "$@"; }
pass=lab
pfx rsa-aes.pfx -inkey rsa.key -in rsa.pem
pfx rsa-rc2.pfx -legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1 -inkey rsa.key -in rsa.pem
pfx rsa-3des.pfx -legacy -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1 -inkey rsa.key -in rsa.pem
pfx rsa-chain-rc2.pfx -legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1 -inkey rsa.key -in rsa.pem -certfile other.pem
pfx ec-aes.pfx -inkey ec.key -in ec.pem
pfx ec-rc2.pfx -legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1 -inkey ec.key -in ec.pem
pfx no-key.pfx -nokeys -in rsa.pem
pfx no-key-rc2.pfx -legacy -certpbe PBE-SHA1-RC2-40 -macalg sha1 -nokeys -in rsa.pem
pass=
pfx rsa-empty-passphrase.pfx -inkey rsa.key -in rsa.pem
pfx rsa-rc2-empty-passphrase.pfx -legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1 -inkey rsa.key -in rsa.pem
