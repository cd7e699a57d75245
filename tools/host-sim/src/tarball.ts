import { gzipSync } from "node:zlib";
import { Header } from "tar";

/** An entry of an archive, as hostile as a test wants it. */
export interface TarEntry {
  readonly path: string;
  readonly content?: string;
  /** Makes the entry a symbolic link. */
  readonly linkTo?: string;
  /** Default: 0o644. */
  readonly mode?: number;
  /** The number of its owner. */
  readonly uid?: number;
}

const BLOCK = 512;
const END = Buffer.alloc(2 * BLOCK);

/** Returns a tar archive, compressed with gzip. With a commit, it begins with the header that `git archive` writes. */
export function toTarball(entries: readonly TarEntry[], commit?: string): Uint8Array {
  const parts = entries.flatMap(({ path, content = "", linkTo, mode = 0o644, uid = 0 }) => {
    const type = linkTo === undefined ? "File" : "SymbolicLink";
    return toEntry({ path, type, mode, uid, linkpath: linkTo ?? "" }, content);
  });
  return gzipSync(Buffer.concat([...(commit === undefined ? [] : toGlobalHeader(commit)), ...parts, END]));
}

function toGlobalHeader(commit: string): readonly Buffer[] {
  const record = ` comment=${commit}\n`;
  const text = `${record.length + 2}${record}`;
  return toEntry({ path: "pax_global_header", type: "GlobalExtendedHeader" }, text);
}

interface EntryFacts {
  readonly path: string;
  readonly type: "File" | "SymbolicLink" | "GlobalExtendedHeader";
  readonly linkpath?: string;
  readonly mode?: number;
  readonly uid?: number;
}

function toEntry(facts: EntryFacts, content: string): readonly Buffer[] {
  const body = Buffer.from(content);
  const header = new Header({ mode: 0o644, ...facts, size: body.length, mtime: new Date(0) });
  header.encode();
  return [header.block ?? Buffer.alloc(0), body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)];
}
