// A worker that solves an ALTCHA challenge of iterated SHA-256: count up until the derived key begins as it is asked to.
// SHA-256 is our own here, because crypto.subtle is not there on plain HTTP and costs a promise for every hash. One block
// is enough: 16 bytes of salt, 16 of nonce and 4 of counter, and then 32 of the hash before, are less than 56.

export interface Solution {
  counter: number;
  derivedKey: string;
}
interface Parameters {
  nonce: string;
  salt: string;
  cost: number;
  keyPrefix: string;
}

// FIPS 180-4, 4.2.2 and 5.3.3: the fractions of the roots of the first primes.
const primes: number[] = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
const CUBES = Int32Array.from(primes, (p) => (p ** (1 / 3) % 1) * 2 ** 32);
const SQUARES = Int32Array.from(primes.slice(0, 8), (p) => (p ** 0.5 % 1) * 2 ** 32);
const words = new Int32Array(64);
const bytes = new DataView(new ArrayBuffer(64));

/** The hash of the first `length` bytes, put in their place. */
function hash(length: number): void {
  bytes.setUint8(length, 0x80);
  for (let at = length + 1; at < 62; at++) bytes.setUint8(at, 0);
  bytes.setUint16(62, length * 8);
  for (let t = 0; t < 16; t++) words[t] = bytes.getInt32(t * 4);
  for (let t = 16; t < 64; t++) {
    const x = words[t - 15]!;
    const y = words[t - 2]!;
    const low = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
    const high = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
    words[t] = words[t - 16]! + low + words[t - 7]! + high;
  }
  let [a, b, c, d, e, f, g, h] = SQUARES as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t++) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + CUBES[t]! + words[t]!) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, n) => bytes.setInt32(n * 4, word + SQUARES[n]!));
}

const turn = (word: number, by: number): number => (word >>> by) | (word << (32 - by));
const read = (hex: string): number[] => (hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16));

function solve({ nonce, salt, cost, keyPrefix }: Parameters): Solution {
  const start = read(salt + nonce);
  const wanted = read(keyPrefix);
  for (let counter = 0; ; counter++) {
    start.forEach((byte, at) => bytes.setUint8(at, byte));
    bytes.setUint32(start.length, counter);
    hash(start.length + 4);
    for (let n = 1; n < cost; n++) hash(32);
    if (wanted.every((byte, at) => bytes.getUint8(at) === byte)) {
      const key = Array.from({ length: 32 }, (_, at) => bytes.getUint8(at).toString(16).padStart(2, "0"));
      return { counter, derivedKey: key.join("") };
    }
  }
}

addEventListener("message", (event: MessageEvent<Parameters>) => postMessage(solve(event.data)));
