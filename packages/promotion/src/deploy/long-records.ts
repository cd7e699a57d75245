import { hash } from "node:crypto";
import { isMap, mapLimited, type Records } from "@stackyard/core";

/** Bytes of JSON in one record: it may have 256 KiB. */
const PART_BYTES = 200 * 1_024;

const AT_ONCE = 8;

/**
 * Returns records whose values may be lists of any length: a long one is stored in parts. A part is named after its content and
 * written before the record that names it, so that a worker that dies in between, or has lost, changes nothing. No item
 * may be larger than a part.
 */
export function withParts(records: Records, { keepMs }: { readonly keepMs: number }): Records {
  return {
    async get(key, now) {
      const record = await records.get(key, now);
      const parts = listParts(record?.value);
      if (record === undefined || parts === undefined) return record;
      const values = await mapLimited(
        parts,
        AT_ONCE,
        async (part) => (await records.get(toPartKey(key, part), now))?.value,
      );
      return { ...record, value: values.flatMap((value) => (Array.isArray(value) ? value : [])) };
    },
    async put(input) {
      const parts = Array.isArray(input.value) ? split(input.value) : [];
      if (parts.length < 2) return records.put(input);
      const { key, now } = input;
      const names = await mapLimited(parts, AT_ONCE, async (value) => {
        const name = hash("sha256", JSON.stringify(value), "hex").slice(0, 32);
        // One that is there has the same content.
        await records.put({ key: toPartKey(key, name), value, expected: "absent", now, expiresAt: now + keepMs });
        return name;
      });
      return records.put({ ...input, value: { parts: names } });
    },
    remove: (key, expected) => records.remove(key, expected),
    list: (prefix, page) => records.list(prefix, page),
  };
}

function toPartKey(key: string, name: string): string {
  return `${key}/${name}`;
}

function listParts(value: unknown): readonly string[] | undefined {
  if (!isMap(value) || !Array.isArray(value["parts"])) return undefined;
  return value["parts"].filter((part) => typeof part === "string");
}

function split(items: readonly unknown[]): readonly (readonly unknown[])[] {
  const parts: unknown[][] = [[]];
  let bytes = 0;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes + size > PART_BYTES && bytes > 0) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(item);
    bytes += size;
  }
  return parts;
}
