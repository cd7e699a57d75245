import { describe, expect, it } from "vitest";
import { TARGET } from "../testing/a-release.ts";
import { type AsgYard, createAsgYard } from "../testing/an-asg-yard.ts";

const at = { account: TARGET.account, region: TARGET.region, project: "org/shop", config: "production" };

/** Two groups for one service, neither with traffic. */
function createAmbiguous(): AsgYard {
  const yard = createAsgYard();
  yard.world.addOldGroup({ service: "web", releaseId: "release-1" });
  yard.world.addOldGroup({ service: "web", releaseId: "release-2" });
  return yard;
}

function repair(yard: AsgYard, over: object = {}) {
  return yard.run({ op: "repair", at, preset: "odin", confirm: true, ...over });
}

describe("repair of groups that traffic does not tell apart", () => {
  it("removes nothing until somebody says which release stays", async () => {
    const yard = createAmbiguous();

    const { step } = await repair(yard);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { found: 2, removed: 0 } });
    expect(yard.groups()).toHaveLength(2);
  });

  it("removes the others when that was said", async () => {
    const yard = createAmbiguous();

    const { step } = await repair(yard, { releaseId: "release-2" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { found: 1, removed: 1 } });
    expect(yard.groups()).toEqual(["org/shop-production-release-2-web"]);
  });
});
