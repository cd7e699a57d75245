import { answerLambda, createAwsSim, type FrontDoor, openFrontDoor } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const HUB = "111122223333";
const ARN = `arn:aws:lambda:eu-central-1:${HUB}:function:distributor`;
const PLACE = { account: "222233334444", region: "eu-west-1" };
const ROW = {
  name: "billing-api",
  version: "1.4.2",
  manifestSha256: "0".repeat(64),
  publishedAt: "2026-01-01T00:00:00.000Z",
  covered: false,
  retired: false,
  cells: [],
};
const ANSWERS: Readonly<Record<string, object>> = {
  coverage: { rows: [ROW], cursor: "next" },
  consumers: { items: [] },
  refresh: { files: 1, messages: 2 },
  replay: { executionArn: `arn:aws:states:eu-central-1:${HUB}:execution:replay:1`, startedAt: ROW.publishedAt },
};

interface Answer {
  readonly code?: string;
  readonly details?: { readonly hint?: string };
}

describe("a server with a distributor", () => {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const asked: unknown[] = [];
  let answer: (request: Readonly<Record<string, string>>) => unknown;
  let door: FrontDoor;
  const closers: (() => unknown)[] = [];

  beforeAll(async () => {
    door = await openFrontDoor({ services: { lambda: answerLambda(sim) }, others: "" });
    const { accessKeyId, secretAccessKey } = sim.iam.addUser({ account: HUB, name: "server" });
    const handler = (event: unknown) => {
      asked.push(event);
      return answer(event as Readonly<Record<string, string>>);
    };
    sim.lambda.addFunction({ account: HUB, region: "eu-central-1", name: "distributor", handler });
    vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
    vi.stubEnv("AWS_REGION", "eu-west-1");
    vi.stubEnv("AWS_ENDPOINT_URL_LAMBDA", door.url);
  });
  beforeEach(() => {
    asked.length = 0;
    answer = ({ op = "" }) => ({ kind: "answer", answer: ANSWERS[op] });
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await door.stop();
  });

  /** Starts `stackyard dev`, and returns what calls its API. */
  async function startDev(config: object, env: Readonly<Record<string, string>> = {}) {
    const { folder: cwd, remove } = makeTempProject({ "stackyard.config.json": JSON.stringify(config) });
    closers.push(remove);
    const dev = startCli(["dev", "--port", "0", "--no-token", "--json"], { cwd, env });
    closers.push(() => {
      dev.interrupt();
      return dev.result;
    });
    const { url } = JSON.parse(await dev.line((line) => line.includes('"kind":"ready"')));
    return async (path: string, body?: object) => {
      const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
      const response = await fetch(`${url}${path}`, body && post);
      return { status: response.status, body: (await response.json()) as Answer };
    };
  }

  it("passes its requests on, in the region of the function", async () => {
    const call = await startDev({ distributor: ARN });

    const answers = [
      await call("/v1/artifacts/coverage?name=billing-api&limit=1"),
      await call("/v1/consumers"),
      await call("/v1/artifacts/refresh", { name: "billing-api", version: "1.4.2", ...PLACE }),
      await call("/v1/artifacts/replay", PLACE),
    ];

    expect(answers).toEqual([
      { status: 200, body: { items: [ROW], cursor: expect.any(String) } },
      { status: 200, body: ANSWERS["consumers"] },
      { status: 200, body: ANSWERS["refresh"] },
      { status: 200, body: ANSWERS["replay"] },
    ]);
    expect(asked).toEqual([
      { op: "coverage", name: "billing-api", limit: 1 },
      { op: "consumers" },
      { op: "refresh", name: "billing-api", version: "1.4.2", ...PLACE },
      { op: "replay", ...PLACE },
    ]);
  });

  it("takes the distributor of the environment first", async () => {
    const call = await startDev({ distributor: "of-the-configuration" }, { STACKYARD_DISTRIBUTOR: ARN });

    expect(await call("/v1/consumers")).toMatchObject({ status: 200 });
  });

  it("reports what the distributor refuses", async () => {
    answer = () => ({ kind: "error", code: "ACCOUNT_NOT_TRUSTED", message: "The account is not trusted." });
    const call = await startDev({ distributor: ARN });

    const body = { detail: "The account is not trusted.", details: { problem: { code: "ACCOUNT_NOT_TRUSTED" } } };
    expect(await call("/v1/artifacts/replay", PLACE)).toMatchObject({ status: 409, body });
  });

  it("reports a function that answers as no distributor does, and a missing one", async () => {
    answer = () => ({ hello: "world" });
    const other = await startDev({ distributor: ARN });
    const missing = await startDev({ distributor: "missing" });

    expect(await other("/v1/consumers")).toMatchObject({ status: 500, body: { code: "SERVER_ERROR" } });
    expect(await missing("/v1/consumers")).toMatchObject({ status: 422, body: { code: "CONFIG_INVALID" } });
  });

  it("does not pass off a refusal of AWS as one to the caller", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN");
    const call = await startDev({ distributor: ARN });

    const { status, body } = await call("/v1/consumers");
    vi.stubEnv("AWS_ACCESS_KEY_ID", sim.iam.addUser({ account: HUB, name: "other" }).accessKeyId);

    expect({ status, body }).toMatchObject({ status: 422, body: { code: "CONFIG_INVALID" } });
  });

  it("is not started with a name that is not one of a function", async () => {
    const { folder: cwd, remove } = makeTempProject({ "stackyard.config.json": '{"distributor": "not a name"}' });
    closers.push(remove);

    const { exitCode, stderr } = await runCli(["dev", "--port", "0"], { cwd });

    expect(exitCode).toBe(3);
    expect(stderr).toContain('"not a name" is not the name or ARN of a function.');
  });

  it("needs none", async () => {
    const call = await startDev({});

    const { status, body } = await call("/v1/consumers");

    expect([status, body.code, body.details?.hint]).toEqual([
      404,
      "NOT_CONFIGURED",
      expect.stringContaining("STACKYARD_DISTRIBUTOR"),
    ]);
    expect(asked).toEqual([]);
  });
});
