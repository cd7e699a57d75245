import type { Store } from "@stackyard/core";
import type { Database } from "./database.ts";
import { fromKeyText, toKeyText } from "./key-text.ts";
import type { Revision } from "./port-types.ts";

const PUT = {
  name: "put_revision",
  text: "insert into stackyard.revision (hash, name, source) values ($1, $2, $3) on conflict do nothing",
};
const GET = { name: "get_revision", text: "select name, hash, source from stackyard.revision where hash = $1" };
// "g" comes after every hexadecimal digit.
const FIND = {
  name: "find_revision_hashes",
  text: "select hash from stackyard.revision where hash >= $1 and hash < $1 || 'g' and name = $2 order by hash limit 10",
};

/** Sources of machines by content hash. */
export function createRevisions(database: Database): Store["revisions"] {
  return {
    async put({ hash, name, source }) {
      await database.rows(PUT, toKeyText(hash), toKeyText(name), toKeyText(source));
    },
    async get(hash) {
      const row = await database.row<Revision>(GET, toKeyText(hash));
      return row === undefined ? undefined : { name: fromKeyText(row.name), hash, source: fromKeyText(row.source) };
    },
    async findHashes(name, prefix) {
      const rows = await database.rows<{ readonly hash: string }>(FIND, toKeyText(prefix), toKeyText(name));
      return rows.map(({ hash }) => hash);
    },
  };
}
