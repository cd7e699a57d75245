import type { Store } from "@stackyard/core";
import type { GroupCommit } from "./group-commit.ts";
import type { Revision } from "./port-types.ts";

/** Sources of machines by content hash. */
export function createRevisions(commits: GroupCommit): Store["revisions"] {
  return {
    put: ({ hash, name, source }) =>
      commits.write(({ database }) => {
        database.run(
          "insert into revision (hash, name, source) values (?, ?, ?) on conflict do nothing",
          hash,
          name,
          source,
        );
      }),
    get: (hash) =>
      commits.read(({ database }) => {
        const row = database.get<Revision>("select name, hash, source from revision where hash = ?", hash);
        // Rows have no prototype; what callers compare has.
        return row === undefined ? undefined : { ...row };
      }),
    // "g" comes after every hexadecimal digit.
    findHashes: (name, prefix) =>
      commits.read(({ database }) =>
        database
          .all<{ readonly hash: string }>(
            "select hash from revision where hash >= ? and hash < ? and name = ? order by hash limit 10",
            prefix,
            `${prefix}g`,
            name,
          )
          .map(({ hash }) => hash),
      ),
  };
}
