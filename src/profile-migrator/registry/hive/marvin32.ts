// Marvin32, the keyed checksum of new-format log entries, with the seed Windows uses for them.

const SEED_LOW = 0x7a4e55c5;
const SEED_HIGH = 0x82ef4d88;

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Eight bytes as stored in a log entry: low word, then high word, little-endian. */
export function marvin32(data: Buffer): Buffer {
  let low = SEED_LOW | 0;
  let high = SEED_HIGH | 0;
  const mix = (word: number): void => {
    low = (low + word) | 0;
    high ^= low;
    low = (rotateLeft(low, 20) + high) | 0;
    high = rotateLeft(high, 9) ^ low;
    low = (rotateLeft(low, 27) + high) | 0;
    high = rotateLeft(high, 19);
  };
  const whole = data.length - (data.length % 4);
  for (let at = 0; at < whole; at += 4) mix(data.readInt32LE(at));
  let last = 0x80;
  for (let at = data.length - 1; at >= whole; at--) last = (last << 8) | data.readUInt8(at);
  mix(last | 0);
  mix(0);
  const hash = Buffer.alloc(8);
  hash.writeInt32LE(low, 0);
  hash.writeInt32LE(high, 4);
  return hash;
}
