import { type ClientPlugin, createAwsAccess } from "@stackyard/aws";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { type AwsYardOptions, silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { type SharedPostgres, sharePostgres } from "@stackyard/postgres-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../open-store.ts";
import { checkStore } from "./check-store.ts";
import { toYardDeps } from "./yard-deps.ts";
import { toYardParts } from "./yard-parts.ts";
import type { YardScene } from "./yard-scene.ts";

/** Refuses operations, as IAM does. */
function deny(operations: readonly string[]): ClientPlugin {
  return {
    applyToStack(stack: MiddlewareAdder) {
      stack.add(
        (next, { commandName }) =>
          (args) => {
            if (!operations.includes(String(commandName).replace("Command", ""))) return next(args);
            const $metadata = { httpStatusCode: 400 };
            throw Object.assign(new Error("Not authorized."), { name: "AccessDeniedException", $metadata });
          },
        { step: "initialize", name: "deny" },
      );
    },
  };
}

interface MiddlewareAdder {
  add(
    middleware: (
      next: (args: unknown) => Promise<unknown>,
      context: { readonly commandName?: unknown },
    ) => (args: unknown) => Promise<unknown>,
    options: { readonly step: string; readonly name: string },
  ): void;
}

let server: SharedPostgres;
beforeAll(async () => {
  server = await sharePostgres();
});
afterAll(() => server.stop());

function aScene(connectionSecret: string): YardScene {
  const sim = createAwsSim({ clock: systemClock });
  const account = "111122223333";
  const credentials = sim.iam.addUser({ account, name: "ada" });
  const { hostname, port, username, password, pathname } = new URL(server.url);
  const value = { username, password, host: hostname, dbname: pathname.slice(1), port: Number(port) };
  sim.secrets.createSecret({ account, region: "eu-west-1", name: "yard/db", value: JSON.stringify(value) });
  const plugins = [createSimPlugin(sim)];
  const aws = createAwsAccess({
    clock: systemClock,
    session: { name: "t" },
    region: "eu-west-1",
    credentials,
    plugins,
  });
  const queues = "https://sqs.eu-west-1.amazonaws.com/111122223333";
  const yard: AwsYardOptions = {
    type: "aws",
    eventQueueUrl: `${queues}/events`,
    taskQueueUrl: `${queues}/tasks`,
    connectionSecret,
    machines: { bucket: "machines" },
  };
  return { yard, parts: toYardParts(yard), aws, deps: toYardDeps({ environment: {}, logger: silentLogger }) };
}

describe("a look at a yard's tables", () => {
  const ofTables = async (denied: readonly string[]) => {
    const tables = await startDynamodb();
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const own = { region: "eu-west-1", credentials, retriesDenials: false };
    const all = { clock: systemClock, session: { name: "t" }, ...own };
    const aws = createAwsAccess({ ...all, clientConfig: { endpoint: tables.url }, plugins: [deny(denied)] });
    const owner = createAwsAccess({ ...all, clientConfig: { endpoint: tables.url } });
    const store = { kind: "dynamodb", table: "Stacks", workTable: undefined, creates: true } as const;
    await (await openStore(store, { aws: owner, clock: systemClock, logger: silentLogger })).close();
    const scene = aScene("");
    return { scene: { ...scene, aws, parts: { ...scene.parts, store } }, stop: () => tables.stop() };
  };

  it("says how sensitive values are sealed, or that it may not read that", async () => {
    const owner = await ofTables([]);
    const guest = await ofTables(["GetItem", "Query", "Scan"]);

    const [tables, sealed] = await checkStore(owner.scene);
    const found = await checkStore(guest.scene);
    await Promise.all([owner.stop(), guest.stop()]);

    expect(sealed).toMatchObject({ check: "seal key", status: "ok" });
    expect(found).toEqual([
      tables,
      {
        check: "seal key",
        status: "warn",
        message: expect.stringContaining("It is unknown how sensitive values are sealed"),
        hint: expect.stringContaining("dynamodb:GetItem"),
      },
    ]);
  });
});

describe("a look at a yard's database", () => {
  it("does not create a missing schema", async () => {
    const scene = aScene("yard/db");

    await expect(checkStore(scene)).rejects.toMatchObject({ code: expect.stringMatching(/^(CONFIG_INVALID|STORE_)/) });
    await expect(checkStore(scene)).rejects.toThrow("stackyard migrate");
  });

  it("counts its stacks and dead letters", async () => {
    const scene = aScene("yard/db");
    const opening = { aws: scene.aws, clock: systemClock, logger: silentLogger };
    await (await openStore(scene.parts.store, opening)).close();

    expect(await checkStore(scene)).toEqual([
      { check: "store", status: "ok", message: "The database answers: 0 stacks, 0 dead letters." },
      { check: "seal key", status: "ok", message: expect.stringContaining("Nothing is sealed yet.") },
    ]);
  });

  it("says which secret is not there", async () => {
    await expect(checkStore(aScene("yard/other"))).rejects.toThrow("yard/other");
  });
});
