/** SHA-256 (FIPS 180-4) whose state can be kept and gone on with: that of Node cannot. */
export interface ResumableSha256 {
  update(bytes: Uint8Array): void;
  /** 64 lower-case hex digits. Nothing more may be added then. */
  digest(): string;
  /** The state as text, after a multiple of 64 bytes; undefined in between. */
  save(): string | undefined;
}

const BLOCK = 64;
const ROUNDS = 64;

/** A new one, or one that goes on from what `save` gave. */
export function createResumableSha256(saved?: string): ResumableSha256 {
  const { state, done } = saved === undefined ? { state: INITIAL.slice(), done: 0 } : parseSaved(saved);
  const rest = new Uint8Array(BLOCK);
  const words = new Int32Array(ROUNDS);
  let held = 0;
  let total = done;

  function fill(bytes: Uint8Array): number {
    const taken = Math.min(BLOCK - held, bytes.length);
    rest.set(bytes.subarray(0, taken), held);
    held += taken;
    if (held < BLOCK) return taken;
    compress(state, words, rest, 0);
    held = 0;
    return taken;
  }

  function update(bytes: Uint8Array): void {
    total += bytes.length;
    let from = held === 0 ? 0 : fill(bytes);
    for (; from + BLOCK <= bytes.length; from += BLOCK) compress(state, words, bytes, from);
    if (from < bytes.length) fill(bytes.subarray(from));
  }

  return {
    update,
    digest() {
      const bits = BigInt(total) * 8n;
      const end = new Uint8Array(held < BLOCK - 8 ? BLOCK - held : 2 * BLOCK - held);
      end[0] = 0x80;
      new DataView(end.buffer).setBigUint64(end.length - 8, bits);
      update(end);
      return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
    },
    save: () => (held === 0 ? [total, ...state].join(" ") : undefined),
  };
}

function parseSaved(saved: string): { readonly state: Int32Array; readonly done: number } {
  const [done = 0, ...state] = saved.split(" ").map(Number);
  return { state: Int32Array.from(state), done };
}

/** The first 32 bits of the fractional parts of roots of the first primes (sections 4.2.2 and 5.3.3). */
function toFractions(count: number, root: (prime: number) => number): Int32Array {
  const primes: number[] = [];
  for (let each = 2; primes.length < count; each += 1) {
    if (primes.every((prime) => each % prime !== 0)) primes.push(each);
  }
  return Int32Array.from(primes, (prime) => ((root(prime) % 1) * 2 ** 32) | 0);
}

const INITIAL = toFractions(8, Math.sqrt);
const CONSTANTS = toFractions(ROUNDS, Math.cbrt);

function turn(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

/** Section 6.2.2. */
function compress(state: Int32Array, words: Int32Array, bytes: Uint8Array, from: number): void {
  expand(words, bytes, from);
  // One by one: an array for each 64 bytes would take as long as all the rest.
  let a = at(state, 0);
  let b = at(state, 1);
  let c = at(state, 2);
  let d = at(state, 3);
  let e = at(state, 4);
  let f = at(state, 5);
  let g = at(state, 6);
  let h = at(state, 7);
  for (let round = 0; round < ROUNDS; round += 1) {
    const sum = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const first = (h + sum + ((e & f) ^ (~e & g)) + at(CONSTANTS, round) + at(words, round)) | 0;
    const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0] = at(state, 0) + a;
  state[1] = at(state, 1) + b;
  state[2] = at(state, 2) + c;
  state[3] = at(state, 3) + d;
  state[4] = at(state, 4) + e;
  state[5] = at(state, 5) + f;
  state[6] = at(state, 6) + g;
  state[7] = at(state, 7) + h;
}

function at(words: Int32Array, index: number): number {
  return words[index] ?? 0;
}

function expand(words: Int32Array, bytes: Uint8Array, from: number): void {
  for (let index = 0; index < 16; index += 1) {
    const byte = from + index * 4;
    const high = ((bytes[byte] ?? 0) << 24) | ((bytes[byte + 1] ?? 0) << 16);
    words[index] = high | ((bytes[byte + 2] ?? 0) << 8) | (bytes[byte + 3] ?? 0);
  }
  for (let index = 16; index < ROUNDS; index += 1) {
    const early = at(words, index - 15);
    const late = at(words, index - 2);
    const low = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
    const high = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
    words[index] = at(words, index - 16) + low + at(words, index - 7) + high;
  }
}
