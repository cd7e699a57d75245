import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Store } from "@stackyard/core";
import { fromItem } from "./attributes.ts";
import { inParallel } from "./in-parallel.ts";
import type { StoreContext } from "./store-context.ts";
import { toKeyPart } from "./work-keys.ts";

/** Of one item; a document has at most 256 KiB, but nothing here depends on it. */
const PART_BYTES = 300 * 1024;
const MOST_HASHES = 10;

/**
 * Sources of machines by hash: parts first, then the hash in the list of its machine, then the item that says how many parts
 * there are. A process that dies between the last two leaves a hash that `findHashes` looks up and leaves out.
 */
export function createRevisions({ work }: StoreContext): Store["revisions"] {
  const keyOf = (hash: string, part: string) => ({ pk: `revision#${toKeyPart(hash)}`, sk: part });
  const listKeyOf = (name: string) => ({ pk: { S: `revisions#${toKeyPart(name)}` } });

  return {
    async put({ name, hash, source }) {
      if ((await work.get(keyOf(hash, "head"))) !== undefined) return;
      const bytes = deflateRawSync(JSON.stringify({ name, hash, source }));
      const count = Math.ceil(bytes.byteLength / PART_BYTES);
      const parts = Array.from({ length: count }, (_, part) => part);
      await inParallel(parts, (part) => {
        const B = bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES);
        return work.put({ pk: { S: `revision#${toKeyPart(hash)}` }, sk: { S: `part#${part}` }, bytes: { B } });
      });
      await work.put({ ...listKeyOf(name), sk: { S: hash } });
      const head = { pk: { S: `revision#${toKeyPart(hash)}` }, sk: { S: "head" }, parts: { N: String(count) } };
      await work.put({ ...head, name: { S: name.toWellFormed() } });
    },
    async get(hash) {
      const head = await work.get(keyOf(hash, "head"));
      if (head === undefined) return undefined;
      const numbers = Array.from({ length: Number(fromItem(head)["parts"]) }, (_, part) => part);
      const parts = await inParallel(numbers, (part) => work.get(keyOf(hash, `part#${part}`)));
      const bytes = Buffer.concat(parts.map((part) => part?.["bytes"]?.B ?? new Uint8Array()));
      return JSON.parse(inflateRawSync(bytes).toString());
    },
    async findHashes(name, prefix) {
      const values = { ":pk": `revisions#${toKeyPart(name)}`, ":prefix": prefix };
      const condition = { expression: "pk = :pk AND begins_with(sk, :prefix)", values };
      const hashes: string[] = [];
      for await (const item of work.query({ condition, pageSize: MOST_HASHES })) {
        const hash = item["sk"]?.S ?? "";
        if ((await work.get(keyOf(hash, "head"))) !== undefined) hashes.push(hash);
        if (hashes.length === MOST_HASHES) break;
      }
      return hashes;
    },
  };
}
