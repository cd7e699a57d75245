import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Store } from "@stackyard/core";
import { fromItem } from "./attributes.ts";
import { inParallel } from "./in-parallel.ts";
import type { StoreContext } from "./store-context.ts";
import { toKeyPart } from "./work-keys.ts";

/** Of one item; a document has at most 256 KiB, but nothing here depends on it. */
const PART_BYTES = 300 * 1024;

/** Sources of machines by hash: parts first, then the item that says how many there are. */
export function createRevisions({ work }: StoreContext): Store["revisions"] {
  const keyOf = (hash: string, part: string) => ({ pk: `revision#${toKeyPart(hash)}`, sk: part });

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
  };
}
