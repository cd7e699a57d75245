import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";

/** Files by reason, as package and name, each with the number of its places that write records. */
type Reasons = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Places that write records without `defineRecordKind`. */
const BY_HAND: Reasons = {
  "It is what kinds of records are made of.": {
    "core/change-record.ts": 2,
    "core/record-kind.ts": 4,
  },
  "It writes records of every kind: it copies, moves, seals or prefixes them.": {
    "core/built-in-ports.ts": 1,
    "core/copy-store.ts": 4,
    "core/sealed-store.ts": 2,
    "hosts/take-over-host.ts": 1,
  },
  "One record under a fixed key: there is nothing to list, find by name or keep apart.": {
    "core/shared-key.ts": 1,
    "core/sweep.ts": 1,
    "core/yard-absences.ts": 1,
    "distributor/versions.ts": 1,
    "previews/cost-service.ts": 1,
    "previews/orphan-service.ts": 1,
  },
  "One value in several records: pages, chunks, or a head and its parts.": {
    "core/bulk-records.ts": 1,
    "core/attempt-log.ts": 4,
    "core/record-chunks.ts": 1,
    "core/pages.ts": 1,
    "executor-asg/report.ts": 1,
    "executor-terraform/kept-files.ts": 2,
    "promotion/long-records.ts": 3,
    "promotion/plan-records.ts": 1,
    "server/state-store.ts": 1,
  },
  "The chain of the audit log: a record follows from the one before.": {
    "core/audit-seal.ts": 5,
    "core/audit-writer.ts": 1,
  },
  "A log: a position is taken by its write.": {
    "core/notices.ts": 3,
  },
  "A queue: many processes claim its records, by version.": {
    "core/keyed-queue.ts": 1,
    "distributor/object-claims.ts": 2,
  },
  "The state manager writes it, and what it loads first has no room for kinds.": {
    "core/credentials.ts": 1,
    "core/yard-health.ts": 4,
  },
  "Work lies between reading and writing: who has read an older version must not write.": {
    "core/stored-position.ts": 1,
    "executor-asg/yard-memory.ts": 1,
    "executor-terraform/saved-plans.ts": 2,
    "notifications/channel-state.ts": 1,
    "notifications/slack-app.ts": 1,
    "server/sessions.ts": 1,
  },
  "A record that ends by itself may be kept for good again, or for longer: a kind keeps its end.": {
    "executor-ecs/resource-record.ts": 1,
    "hosts/pull-records.ts": 1,
    "hosts/report-records.ts": 1,
    "server/api-tokens.ts": 2,
  },
  "A function in another account, or a runner, writes it: neither loads the schema that servers read it with.": {
    "executor-asg/release-place-record.ts": 1,
    "executor-ecs/record-request.ts": 2,
    "executor-terraform/inventory.ts": 1,
  },
  "Written once: it is never changed, listed or removed.": {
    "executor-ecs/ecs.ts": 1,
  },
  "One prefix has several kinds, or one value two names.": {
    "server/pending-logins.ts": 7,
  },
};

/** A write of a record, also by a function that reads, decides and writes. */
const WRITE = /records\??\.put\(|\bchange(?:Record|Parsed)(?:<[^(]*>)?\(/gi;

const ADVICE = `A record with a prefix, a name and one schema is a kind: write it with defineRecordKind
(packages/core/src/ports/record-kind.ts), which finds, lists, adds, changes and removes, and write how long it is kept into
"Retention" of docs/yard-reference.md with \`npm run generate\`. If it cannot be one, name its file here with the reason. If there are fewer places
than named here, correct the number.`;

it("only places with a reason write records without a kind", () => {
  const files = globSync("*/src/**/*.ts", { cwd: join(repositoryRoot, "packages") });
  const found = files
    .filter((file) => !/\.test(-d)?\.ts$|\/testing\//.test(file))
    .map((file) => [toName(file), countWrites(readFileSync(join(repositoryRoot, "packages", file), "utf8"))] as const)
    .filter(([, count]) => count > 0);

  expect(Object.fromEntries(found), ADVICE).toEqual(Object.assign({}, ...Object.values(BY_HAND)));
});

/** Returns package and name, which stay when the file moves to another folder. */
function toName(file: string): string {
  const [name = ""] = file.split("/");
  return `${name}/${basename(file)}`;
}

function countWrites(source: string): number {
  return [...source.matchAll(WRITE)].length;
}
