import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { GetAliasCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { type AwsSim, createAwsSim, createSimPlugin, withContext } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import { createLambdaExecutor } from "@stackyard/executor-lambda";
import { describe, expect, it } from "vitest";
import { createRecipeYard, type RecipeYard, readRecipe } from "./recipe-yard.ts";

const FILE = join(import.meta.dirname, "../../functions/move-alias.mjs");
const PLACE = { account: "111122223333", region: "eu-west-1" };

const RELEASE = `
version: 2
events: { RELEASED: { metadata: [api] }, ROLLBACK: {} }
metadata: { api: { type: string } }
states:
  INIT: { on: { RELEASED: PRODUCTION } }
  PRODUCTION: { tasks: [production], on: { NEXT: DONE, ROLLBACK: BACK } }
  DONE: { on: { ROLLBACK: BACK } }
  BACK: { leaving: cancel, tasks: [undo], on: { NEXT: STOPPED } }
  STOPPED: {}
tasks:
  production: { executor: deploy, config: { stacks: prod, event: RELEASED, metadata: { api: "\${metadata.api}" }, until: [LIVE], failed: [BROKEN] } }
  undo: { executor: deploy, config: { op: undo, of: production, event: RETURNED } }
`;

/** What the page and the module export. */
interface MoveAlias {
  createHandler(lambda: LambdaClient): (event: unknown) => Promise<unknown>;
}

interface Bench extends RecipeYard {
  /** The version of the alias, and the weights of others. */
  readAlias(): Promise<readonly [version: string | undefined, weights: object | undefined]>;
  /** Starts a release of a version, and lets a minute pass. */
  release(version: string): Promise<void>;
}

/** A user with these rights, as a client of Lambda. */
function open(sim: AwsSim, name: string, allow: readonly string[]): LambdaClient {
  const credentials = sim.iam.addUser({ account: PLACE.account, name, allow });
  const client = new LambdaClient({ region: PLACE.region, credentials, maxAttempts: 1 });
  client.middlewareStack.use(createSimPlugin(sim) as never);
  return client;
}

/** The machine of the page over Lambda, with version 41 live. */
async function aYard({ mayInvoke = true } = {}): Promise<Bench> {
  const sim = createAwsSim({ clock: createFakeClock() });
  const { createHandler }: MoveAlias = await import(pathToFileURL(FILE).href);
  const handler = createHandler(open(sim, "move-alias", ["lambda:GetAlias", "lambda:UpdateAlias"]));
  sim.lambda.addFunction({ ...PLACE, name: "move-alias", handler });
  const versions = { "41": {}, "42": {}, "43": { role: "arn:aws:iam::111122223333:role/other" } };
  sim.lambda.addFunction({ ...PLACE, name: "shop", handler: () => ({}), versions, aliases: { live: "41" } });
  const runner = open(sim, "runner", mayInvoke ? ["lambda:InvokeFunction"] : []);
  const lambda = withContext(createLambdaExecutor(), (ctx) => ({ ...ctx, aws: () => runner as never }));
  const page = readRecipe("# file: machines/shop-function.yaml\n");
  // Without `allow` on RELEASED, a person can open the environment.
  const shop = page.replace(", allow: \"actor.machine == 'shop-release'\"", "");
  const bench = createRecipeYard({ "shop-function": shop, "shop-release": RELEASE }, [lambda]);
  const reader = open(sim, "reader", ["lambda:GetAlias"]);
  await bench.send("prod", "RELEASED", { machine: "shop-function", metadata: { api: "41" } });
  return {
    ...bench,
    async readAlias() {
      const alias = await reader.send(new GetAliasCommand({ FunctionName: "shop", Name: "live" }));
      return [alias.FunctionVersion, alias.RoutingConfig?.AdditionalVersionWeights];
    },
    release: (api) => bench.send(`shop-${api}`, "RELEASED", { machine: "shop-release", metadata: { api } }),
  };
}

describe("the recipe for Lambda aliases", () => {
  it("moves a tenth of the calls, after ten minutes all of them, and an undo moves them back", async () => {
    const bench = await aYard();
    expect(await bench.stateOf("prod")).toBe("LIVE");

    await bench.release("42");

    expect([await bench.stateOf("prod"), await bench.readAlias()]).toEqual(["WATCH", ["41", { "42": 0.1 }]]);
    await bench.pass(11);
    expect([await bench.stateOf("prod"), await bench.readAlias()]).toEqual(["LIVE", ["42", undefined]]);
    expect(await bench.stateOf("shop-42")).toBe("DONE");
    await bench.send("shop-42", "ROLLBACK");
    expect([await bench.stateOf("prod"), await bench.readAlias()]).toEqual(["LIVE", ["41", undefined]]);
    expect(await bench.stateOf("shop-42")).toBe("STOPPED");
    expect(await bench.metadataOf("prod")).toMatchObject({ api: "41" });
  });

  it("moves all calls back while a part has moved: the weights end, too", async () => {
    const bench = await aYard();
    await bench.release("42");
    expect(await bench.readAlias()).toEqual(["41", { "42": 0.1 }]);

    await bench.send("shop-42", "ROLLBACK");
    await bench.pass(2);

    expect([await bench.stateOf("prod"), await bench.readAlias()]).toEqual(["LIVE", ["41", undefined]]);
    expect(await bench.taskOf("shop-42", "undo")).not.toContain("ERROR");
  });

  it.each([
    ["was not published", "99", /ResourceNotFoundException|Function not found/],
    ["has another role than the one that is live", "43", /same execution role/],
  ])("does not change the alias when the version %s", async (_, version, why) => {
    const bench = await aYard();

    await bench.release(version);

    expect([await bench.stateOf("prod"), await bench.readAlias()]).toEqual(["BROKEN", ["41", undefined]]);
    expect(await bench.taskOf(`shop-${version}`, "production")).toBe("ERROR STACK_BROKEN");
    const history = await bench.yard.listHistory("prod");
    expect(JSON.stringify(history)).toMatch(why);
    await bench.send(`shop-${version}`, "ROLLBACK");
    expect([await bench.stateOf("prod"), await bench.readAlias()]).toEqual(["LIVE", ["41", undefined]]);
  });

  it("needs the right to call the function that moves the alias", async () => {
    const bench = await aYard({ mayInvoke: false });

    expect(await bench.stateOf("prod")).toBe("BROKEN");
    const history = await bench.yard.listHistory("prod");
    expect(history.find(({ event }) => event === "TASK_ERROR")).toMatchObject({ code: "LAMBDA_ACCESS_DENIED" });
  });

  it("has the function of the example", () => {
    const block = readRecipe("// file: functions/move-alias.mjs\n");

    expect(block).toBe(`// file: functions/move-alias.mjs\n${readFileSync(FILE, "utf8")}`);
  });
});
