// The first import of both programs: on an older Node.js they would fail in the middle, with the name of a function that it lacks.

const NEEDED = 24;

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  process.stderr.write(
    `This program needs Node.js ${NEEDED} or later; ${process.execPath} is ${process.versions.node}. ` +
      'In the folder of the sources "npx autodiscover" and "npx profile-migrator" take the right one.\n',
  );
  process.exit(2);
}
