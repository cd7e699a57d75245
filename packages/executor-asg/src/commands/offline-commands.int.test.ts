import { existsSync, writeFileSync } from "node:fs";
import { join, parse } from "node:path";
import { createFakeClock } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aReleaseFile, type CommandWorld, createCommandWorld } from "../testing/command-world.ts";

let world: CommandWorld;
beforeEach(() => {
  world = createCommandWorld({ clock: createFakeClock() });
  world.write("shop.json", aReleaseFile());
  world.write("shop.json.userdata", "#!/bin/sh\n");
});
afterEach(() => world.remove());

describe("asg validate", () => {
  it("finds nothing wrong with a file that a client has not filled in", async () => {
    const { exitCode, text, value, notes } = await world.run("validate", { file: "shop.json" });

    expect([exitCode, text, notes]).toEqual([0, "shop.json: no problems", []]);
    expect(value).toEqual({ file: "shop.json", valid: true, problems: [], warnings: [] });
  });

  it("lists every problem with class, code and pointer", async () => {
    world.write("shop.json", aReleaseFile({ ami: undefined, timeout: "long", surprise: 1 }));

    const { exitCode, text, value } = await world.run("validate", { file: "shop.json" });

    expect(exitCode).toBe(1);
    expect(text.split("\n")[0]).toBe("shop.json: 3 problems");
    expect(value).toMatchObject({
      valid: false,
      problems: [
        { class: "UnmarshalError", pointer: "/timeout" },
        { class: "UnmarshalError", pointer: "/surprise" },
        { class: "BadReleaseError", pointer: "/ami" },
      ],
    });
  });

  it("requires the user data of an Odin file next to it", async () => {
    world.write("other.json", aReleaseFile());

    const { exitCode, value } = await world.run("validate", { file: "other.json" });

    expect(exitCode).toBe(1);
    expect(value["problems"]).toMatchObject([{ code: "release-user-data-file", pointer: "/user_data_sha256" }]);
  });

  it("reports what should be changed, and what only the deployer can check", async () => {
    const { aws_region: _region, aws_account_id: _account, ...rest } = aReleaseFile();
    const web = { instance_type: "t3.micro", security_groups: ["web"], elbs: ["web"] };
    world.write("shop.json", { ...rest, services: { web } });

    const { exitCode, notes } = await world.run("validate", { file: "shop.json" }, { environment: {} });

    expect(exitCode).toBe(0);
    expect(notes).toEqual([
      "warning  /services/web/elbs  Service(web): Classic load balancers are deprecated. Use target_groups.",
      "warning  /aws_account_id  aws_account_id is missing; the deployer's own is used.",
      "warning  /aws_region  aws_region is missing; the deployer's own is used.",
    ]);
  });

  it("reports invalid JSON and a missing file", async () => {
    world.write("shop.json", "{");

    const broken = await world.run("validate", { file: "shop.json" });

    expect([broken.exitCode, broken.value["problems"]]).toMatchObject([1, [{ code: "release-not-json", pointer: "" }]]);
    await expect(world.run("validate", { file: "none.json" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: 'Release file "none.json" not found.',
    });
    await expect(world.run("validate", { file: parse(world.cwd).root })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("EISDIR"),
    });
  });

  it.each(["shop.json", "shop.json.userdata"])(
    "takes no %s that is not UTF-8, which would be sent as something else",
    async (file) => {
      writeFileSync(join(world.cwd, file), Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0xff]));

      await expect(world.run("validate", { file: "shop.json" })).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringContaining(`"${file}" is not UTF-8`),
      });
    },
  );

  it("reports that there may be more problems than it lists", async () => {
    const unknown = Array.from({ length: 101 }, (_, index) => [`unknown-${index}`, 1]);
    world.write("shop.json", JSON.stringify({ ...aReleaseFile(), ...Object.fromEntries(unknown) }));

    const { text, value } = await world.run("validate", { file: "shop.json" });

    expect(text.split("\n")[0]).toBe("shop.json: at least 100 problems");
    expect(value["problems"]).toHaveLength(100);
  });

  it("says that a file begins with a byte order mark", async () => {
    world.write("shop.json", `\uFEFF${JSON.stringify(aReleaseFile())}`);

    const { text } = await world.run("validate", { file: "shop.json" });

    expect(text).toContain("The document starts with a byte order mark. Save it without one.");
  });

  it.runIf(existsSync("/dev/zero"))("does not read files without an end", async () => {
    await expect(world.run("validate", { file: "/dev/zero" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: 'The release file "/dev/zero" has more than 16777216 bytes.',
    });
  });

  it("reads files of the first generation, with user data inside or next to them", async () => {
    const seed = { preset: "step-asg-deployer", file: "shop.json" };
    world.write("shop.json", aReleaseFile({ user_data: "{{USER_DATA_FILE}}", unknown: 1 }));
    const beside = await world.run("validate", seed);
    world.write("inside.json", aReleaseFile({ user_data: "#!/bin/sh" }));
    const inside = await world.run("validate", { ...seed, file: "inside.json" });
    world.write("missing.json", aReleaseFile({ user_data: "{{USER_DATA_FILE}}" }));
    const missing = await world.run("validate", { ...seed, file: "missing.json" });

    expect([beside.exitCode, inside.exitCode, missing.exitCode]).toEqual([0, 0, 1]);
    expect(missing.value["problems"]).toMatchObject([{ code: "release-user-data-file", pointer: "/user_data" }]);
  });

  it("measures the user data as each service gets it", async () => {
    world.write("shop.json.userdata", `${"x".repeat(16_364)}{{PROJECT_NAME}}{{CONFIG_NAME}}`);

    const small = await world.run("validate", { file: "shop.json" });
    world.write("shop.json.userdata", `${"x".repeat(16_384)}{{PROJECT_NAME}}`);
    const large = await world.run("validate", { file: "shop.json" });

    expect(small.exitCode).toBe(0);
    expect(large.value["problems"]).toMatchObject([{ code: "release-user-data-size" }]);
  });

  it("warns of secrets in the user data", async () => {
    world.write("shop.json.userdata", "DB_PASSWORD=correct-horse");

    const { exitCode, value } = await world.run("validate", { file: "shop.json" });

    expect(exitCode).toBe(0);
    expect(value["warnings"]).toMatchObject([{ code: "release-user-data-secret", pointer: "/user_data_sha256" }]);
  });

  it("rejects arguments of another type", async () => {
    await expect(world.run("validate", { file: "shop.json", preset: "mine" })).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("asg plan", () => {
  it("shows sizes, steps and lengths", async () => {
    const { exitCode, text, value } = await world.run("plan", { file: "shop.json", previous: '{"web": 4}' });

    expect(exitCode).toBe(0);
    expect(text).toBe(`SERVICE  BEFORE  DESIRED  LAUNCHED  HEALTHY  MIN AT START  MAX  STRATEGY
web           4        4         6        2             2   10  AllAtOnce

web: 6 after 0s; healthy after 1m 45s

Done after 1m 50s at the earliest; the timeout is 10m.`);
    expect(value).toEqual({
      file: "shop.json",
      problems: [],
      warnings: [],
      timing: { healthyAfterSeconds: 105, doneAfterSeconds: 110, timeoutSeconds: 600, pollSeconds: 15 },
      services: [
        {
          service: "web",
          group: "org/shop-production-2026-01-01T00-00-00Z-web",
          previous: 4,
          desired: 4,
          targetLaunched: 6,
          targetHealthy: 2,
          initial: { min: 2, desired: 6, max: 10 },
          strategy: "AllAtOnce",
          steps: [{ afterSeconds: 0, desired: 6 }],
          healthyAfterSeconds: 105,
        },
      ],
    });
  });

  it("knows no group before without a word, nor the names of the first generation", async () => {
    const file = { user_data: "#!/bin/sh" };
    world.write("seed.json", aReleaseFile(file));

    const { value } = await world.run("plan", { file: "seed.json", preset: "step-asg-deployer" });

    expect(value["services"]).toMatchObject([{ previous: null, group: null, desired: 2, healthyAfterSeconds: 45 }]);
  });

  it("says what cannot be done in time", async () => {
    const autoscaling = { min_size: 2, max_size: 4, strategy: "GatedCanary", bake_time: 900 };
    const web = { instance_type: "t3.micro", security_groups: ["web"], autoscaling };
    world.write("shop.json", aReleaseFile({ services: { web } }));

    const { text } = await world.run("plan", { file: "shop.json", slowStart: 30 });

    expect(text).toContain("web: 1 after 0s; not within the timeout");
    expect(text).toContain("It cannot finish within its timeout of 10m.");
  });

  it("lists problems instead, exit code 1", async () => {
    world.write("shop.json", aReleaseFile({ ami: undefined }));

    expect(await world.run("plan", { file: "shop.json" })).toMatchObject({ exitCode: 1, value: { valid: false } });
  });

  it.each([
    "[]",
    "x",
    "4",
    '{"web": "4"}',
    '{"web": 1.5}',
    '{"worker": 1}',
    '{"toString": 1}',
    '{"web": -1}',
    '{"web": 1e20}',
    '{"web": 1, "web": 2}',
  ])("rejects %s as the capacities before", async (previous) => {
    await expect(world.run("plan", { file: "shop.json", previous })).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("asg graph", () => {
  it("is a table of the states", async () => {
    const { text } = await world.run("graph");

    expect(text).toMatch(/^STATE +KIND +NEXT +ELSE\nValidate +task +Lock +error → FailureClean\n/);
    expect(text).toMatch(/^WaitForHealthy +wait wait_for_healthy +CheckHealthy/m);
  });

  it("is a diagram", async () => {
    const { text } = await world.run("graph", { format: "mermaid" });

    expect(text.split("\n").slice(0, 4)).toEqual([
      "stateDiagram-v2",
      "  [*] --> Validate",
      "  Validate --> Lock",
      "  Validate --> FailureClean: error",
    ]);
    expect(text).toContain("  Healthy --> WaitForDetach: healthy");
  });

  it("is the definition for Step Functions, with the function that is given", async () => {
    const functionArn = "arn:aws:lambda:eu-west-1:111122223333:function:deployer";

    const { text } = await world.run("graph", { format: "asl", function: functionArn, preset: "step-asg-deployer" });

    const { States } = JSON.parse(text);
    expect(States.Validate).toMatchObject({ Type: "Task", Resource: functionArn, Next: "Lock" });
    expect(States.DetachForSuccess).toBeUndefined();
  });
});
