// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { describe, expect, it } from "vitest";
import { toPlannedMachine } from "../testing/a-planned-release.ts";
import { aReleaseYard, type ReleaseYard, TO_TENANTS, toReleaseMachine } from "../testing/a-release-yard.ts";
import { findPlan } from "./plan-records.ts";

const SECRET = "S3CRET-OF-THE-TEST";

/** All that the store has of releases: their rows, stacks and histories, and those of the tenants. */
async function readAll({ yard, stateOf, rowsOf }: ReleaseYard): Promise<string> {
  const ids = ["t0", "t1"];
  const histories = await Promise.all(["shop-1", ...ids].map((id) => yard.listHistory(id)));
  const attempts = await yard.store.queries.listAttempts("shop-1");
  const tenants = (await Promise.all(ids.map((id) => yard.findStack(id)))).map((stack) => stack?.metadata["api"]);
  return JSON.stringify([await stateOf("1"), await rowsOf("1"), histories, attempts, tenants]);
}

// An expression that names a sensitive key is refused when the machine is loaded (CVE-2025-54831). These name none.
describe("a sensitive value of a release", () => {
  it.each([
    ["a computed index", "${metadata[metadata.which]}"],
    ["all keys", "${metadata.map(key, string(metadata[key])).join(',')}"],
    ["a list with the metadata", "${string([metadata][0].token)}"],
    ["a copy of the metadata", "${{'all': metadata}.all.token}"],
    ["a guess", `\${metadata.exists(key, metadata[key] == '${SECRET}') ? '${SECRET}' : 'none'}`],
  ])("is not in what it sends, by %s", async (_, api) => {
    const tenants = { executor: "deploy", config: { ...TO_TENANTS, metadata: { api } } };
    const machine = JSON.parse(toReleaseMachine({ tasks: { tenants }, go: ["tenants"] }));
    machine.metadata = { ...machine.metadata, token: { type: "string", sensitive: true }, which: { type: "string" } };
    const bench = aReleaseYard({ release: JSON.stringify(machine) });
    await bench.addTenants(1);
    const metadata = { api: "1", which: "token", token: SECRET };
    await bench.send("shop-1", "RELEASED", { machine: "shop", metadata });
    await bench.finish("1");

    expect(await readAll(bench)).not.toContain(SECRET);
  });
});

describe("a sensitive value of a tenant", () => {
  it("is not known to the rule of a release: what it selects would reveal the value", async () => {
    const where = `metadata.secret == '${SECRET}'`;
    const bench = aReleaseYard({ config: { stacks: { machine: "tenant", where } } });
    await bench.addTenants(2, () => ({ secret: SECRET }));
    await bench.start("1");
    await bench.finish("1");

    expect(await bench.taskOf("1")).toMatch(/^GO ERROR/);
    expect(await bench.rowsOf("1")).toEqual([]);
  });

  it.each<readonly [string, number, object]>([
    ["at rest", 5_000, { does: "fails", code: "METADATA_SENSITIVE", from: {} }],
    ["on its way", 18_000_000, { does: "moving" }],
  ])(
    "is not in a plan of a stack %s, neither among what it has nor where the plan shows it",
    async (_, buildMs, entry) => {
      const release = toPlannedMachine({ metadata: { secret: "${metadata.api}" } });
      const bench = aReleaseYard({ release: release.replace('"show":["tier"]', '"show":["tier","secret"]') });
      await bench.addTenants(1, () => ({ secret: SECRET }));
      bench.pace.buildMs = buildMs;
      await bench.send("t0", "RELEASED", { metadata: { api: "1.41.5" } });
      await bench.start("1");
      await bench.yard.advance(7_200_000);

      const digest = String((await bench.yard.findStack("shop-1"))?.metadata["plan"]);
      const plan = await findPlan({ records: bench.yard.store.records, clock: bench.yard.clock }, digest);
      expect(plan?.entries).toMatchObject([entry]);
      expect(JSON.stringify(plan)).not.toContain(SECRET);
    },
  );
});
