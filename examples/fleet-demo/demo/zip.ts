import { crc32, inflateRawSync } from "node:zlib";

/** Files by path. */
export type Files = Readonly<Record<string, string>>;

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;

/** Returns a zip like that of a pipeline's source, without compression (PKWARE's APPNOTE 6.3.10, 4.3). */
export function toZip(files: Files): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, text] of Object.entries(files)) {
    const [name, body] = [Buffer.from(path), Buffer.from(text)];
    const facts = { sum: crc32(body), size: body.length, nameLength: name.length };
    const local = Buffer.concat([toHeader(LOCAL, facts), name, body]);
    directory.push(toHeader(CENTRAL, { ...facts, offset }), name);
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([...parts, central, toEnd(Object.keys(files).length, central.length, offset)]);
}

/** Reads the files in a zip: stored and deflated ones. */
export function fromZip(zip: Buffer): Files {
  const end = zip.lastIndexOf(toWord(END));
  if (end < 0) throw new Error("This is not a zip archive.");
  const files: Record<string, string> = {};
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [nameLength, extra, comment] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const name = zip.toString("utf8", at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    const begin = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const body = zip.subarray(begin, begin + zip.readUInt32LE(at + 20));
    files[name] = (zip.readUInt16LE(at + 10) === 0 ? body : inflateRawSync(body)).toString();
    at += 46 + nameLength + extra + comment;
  }
  return files;
}

interface EntryFacts {
  readonly sum: number;
  readonly size: number;
  readonly nameLength: number;
  readonly offset?: number;
}

function toHeader(kind: number, { sum, size, nameLength, offset = 0 }: EntryFacts): Buffer {
  const isCentral = kind === CENTRAL;
  const header = Buffer.alloc(isCentral ? 46 : 30);
  const from = isCentral ? 2 : 0;
  header.writeUInt32LE(kind, 0);
  header.writeUInt16LE(20, 4 + from);
  header.writeUInt32LE(sum, 14 + from);
  header.writeUInt32LE(size, 18 + from);
  header.writeUInt32LE(size, 22 + from);
  header.writeUInt16LE(nameLength, 26 + from);
  if (isCentral) header.writeUInt32LE(offset, 42);
  return header;
}

function toEnd(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return end;
}

function toWord(value: number): Buffer {
  const word = Buffer.alloc(4);
  word.writeUInt32LE(value);
  return word;
}
