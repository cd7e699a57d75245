import { crc32 } from "node:zlib";

/** A file of an archive. */
export interface ZipFile {
  readonly name: string;
  readonly text: string;
  /** Unix mode with the kind of file, such as 0o120777 for a link. Default: a plain file. */
  readonly mode?: number;
}

/** Creates a stored zip archive, with any names. */
export function aZip(files: readonly ZipFile[]): Buffer {
  let offset = 0;
  const parts = files.map(({ name, text, mode = 0o100644 }) => {
    const path = Buffer.from(name);
    const body = Buffer.from(text);
    const facts = factsOf(body, path);
    const local = Buffer.concat([toHeader(0x04034b50, 4), facts, path, body]);
    const attributes = Buffer.alloc(14);
    attributes.writeUInt32LE(mode * 0x10000, 6);
    attributes.writeUInt32LE(offset, 10);
    const entry = Buffer.concat([toHeader(0x02014b50, 6), facts, attributes, path]);
    offset += local.length;
    return { local, entry };
  });
  const directory = Buffer.concat(parts.map(({ entry }) => entry));
  return Buffer.concat([...parts.map(({ local }) => local), directory, toEnd(files.length, directory.length, offset)]);
}

/** Returns the signature and the versions; the higher byte of the first means Unix, so that modes count. */
function toHeader(signature: number, bytes: 4 | 6): Buffer {
  const header = Buffer.alloc(bytes + 2);
  header.writeUInt32LE(signature, 0);
  if (bytes === 6) header.writeUInt16LE(0x0314, 4);
  header.writeUInt16LE(20, bytes === 6 ? 6 : 4);
  return header;
}

/** Returns the common part of both headers: flags, method, time, sum, sizes, lengths of name and extras. */
function factsOf(body: Buffer, path: Buffer): Buffer {
  const facts = Buffer.alloc(24);
  facts.writeUInt16LE(0x800, 0);
  facts.writeUInt32LE(crc32(body), 8);
  facts.writeUInt32LE(body.length, 12);
  facts.writeUInt32LE(body.length, 16);
  facts.writeUInt16LE(path.length, 20);
  return facts;
}

function toEnd(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return end;
}
