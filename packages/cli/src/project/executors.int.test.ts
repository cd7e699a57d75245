import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineExecutor, definePlugin, succeeded } from "@stackyard/core";
import { createMachineV1Schema, createMachineV2Schema, parseMachine, upgradeMachine } from "@stackyard/core/machine";
import { SecretReferenceSchema } from "@stackyard/core/services";
import { runExecutor } from "@stackyard/core/testing";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { makeTempProject } from "../testing/temp-project.ts";
import { type ExecutorRegistry, loadDefinitions, loadExecutors } from "./executors.ts";
import { formatLoadError } from "./modules.ts";

const fixtures = new URL("../../../core/fixtures/machines/", import.meta.url);

const closed = { additionalProperties: false };

/** What the fixtures have besides the built-in executors. */
const ADDED: ExecutorRegistry = new Map(
  [
    {
      name: "sleeper",
      config: Type.Object({ seconds: Type.Number(), note: Type.Optional(Type.String()) }, closed),
      resumable: true,
      timeout: ({ seconds }: { seconds: number }) => seconds * 1000,
    },
    {
      name: "ecs",
      config: Type.Object({ cluster: Type.String(), taskDefinition: Type.String() }, closed),
      resumable: true,
      showsConfig: "The service stores it in clear. Keep it elsewhere.",
    },
  ].map((executor) => [executor.name, executor]),
);

const builtIn = await loadDefinitions({ cwd: import.meta.dirname, env: {} });
// The fixtures are those of core, whose messages list these two.
const ofFixtures = [...builtIn].filter(([name]) => name === "terraform" || name === "lambda");
const options = { name: "fixture", executors: new Map([...ofFixtures, ...ADDED]), uncheckedExecutors: ["elsewhere"] };

const list = (folder: string) =>
  readdirSync(new URL(folder, fixtures)).flatMap((file) => (file.endsWith(".yaml") ? [`${folder}/${file}`] : []));

const load = (file: string) => readFileSync(new URL(file, fixtures), "utf8");

const loadValue = (file: string): unknown =>
  parse(load(file), { merge: true, schema: "core", uniqueKeys: false, maxAliasCount: -1 });

describe("the built-in executors", () => {
  it("are known to every project", () => {
    expect([...builtIn.keys()]).toEqual(["terraform", "lambda", "command", "deploy", "gate"]);
  });

  it.each([...list("invalid"), ...list("invalid-v2"), ...list("valid"), ...list("valid-v2")])(
    "check %s with its problems",
    (file) => {
      const { machine, problems } = parseMachine(load(file), options);

      expect(problems).toEqual(JSON.parse(load(file.replace(".yaml", ".json"))));
      expect(machine !== undefined).toBe(file.startsWith("valid"));
    },
  );

  it("check a config without executor by the one that it resembles most", () => {
    const listProblems = (config: string) => {
      const source = `version: 1\nevents: []\nstates: {INIT: {terminal: true, tasks: [t]}}\ntasks: {t: {config: ${config}}}`;
      return parseMachine(source, options).problems.flatMap(({ severity, code }) =>
        severity === "error" ? [code] : [],
      );
    };

    expect(listProblems("{name: f}")).toEqual([]);
    expect(listProblems("{action: apply, source: {location: ./a, type: local}}")).toEqual([]);
    expect(listProblems("{name: 5}")).toEqual(["lambda-name-not-string"]);
    expect(listProblems("{action: plan, source: {type: s3, bucket: b, key: k}}")).toEqual(["terraform-action-unknown"]);
  });

  it("are named for one that does not exist, or is missing", () => {
    const messages = (version: number, task: string) => {
      const source = `version: ${version}\nevents: []\nstates: {INIT: {terminal: true, tasks: [t]}}\ntasks: {t: ${task}}`;
      return parseMachine(source, { name: "app", executors: builtIn }).problems.map(({ message }) => message);
    };

    expect(messages(1, "{executor: lamda, config: {}}")).toEqual([
      'Unknown executor "lamda". Did you mean "lambda"? Registered: "terraform", "lambda", "command", "deploy", "gate".',
    ]);
    expect(messages(2, "{config: {}}")).toEqual([
      "A task needs executor: who does the work, such as terraform or lambda.",
    ]);
  });

  it.each([
    ["warns-config-missing", "lambda-name-required"],
    ["warns-source-missing", "source-missing"],
    ["warns-source-type-missing", "source-type-missing"],
  ])("refuse the upgrade of %s with the code of version 2", (file, code) => {
    const upgraded = upgradeMachine(load(`valid/${file}.yaml`), options);

    expect(upgraded.kind).toBe("refused");
    expect(upgraded.problems.map((problem) => problem.code)).toContain(code);
  });
});

describe("the executors of a plugin", () => {
  const { folder, remove } = makeTempProject({ "admin-password": "s3cr3t\n" });
  afterEach(remove);

  it("read the secrets that its options refer to", async () => {
    const read: string[] = [];
    const plugin = definePlugin({
      name: "database",
      options: Type.Object({ password: SecretReferenceSchema }),
      executors: ({ password }, { readSecret }) => [
        defineExecutor({
          name: "database",
          config: Type.Object({}),
          async start() {
            read.push(await readSecret(password));
            return succeeded({});
          },
        }),
      ],
    });
    const passwords = [{ file: "admin-password" }, { env: "ADMIN_PASSWORD" }];

    for (const password of passwords) {
      const config = { plugins: [{ use: plugin, options: { password } }] };
      const executors = await loadExecutors({ config, projectDir: folder }, "plugins", { ADMIN_PASSWORD: "of env" });
      const executor = executors.get("database");
      if (executor !== undefined) await runExecutor(executor, {});
    }

    expect(read).toEqual(["s3cr3t", "of env"]);
  });
});

describe("the schemas for editors", () => {
  const V1 = Compile(createMachineV1Schema(builtIn.values()));
  const V2 = Compile(createMachineV2Schema(builtIn.values()));

  it.each([
    ...list("valid").map((file) => [file, V1] as const),
    ...list("valid-v2").map((file) => [file, V2] as const),
  ])("accept %s", (file, validator) => {
    expect(validator.Errors(loadValue(file))).toEqual([]);
  });

  // That two tasks share a state is seen by a look at both, which a schema does not take.
  const isOfExecutors = (file: string) =>
    /\/(?:terraform-(?!state-shared)|lambda-|source-|variables-|config-unknown-key)/.test(file);

  it.each(
    [
      ...list("invalid").map((file) => [file, V1] as const),
      ...list("invalid-v2").map((file) => [file, V2] as const),
    ].filter(([file]) => isOfExecutors(file)),
  )("refuse %s", (file, validator) => {
    expect(validator.Check(loadValue(file))).toBe(false);
  });
});

describe("formatLoadError", () => {
  const { folder, remove } = makeTempProject({
    "broken.mjs": "export default {\n  plugins: [],\n  concurrency: }\n",
    "sound.mjs": 'import "./broken.mjs";\n',
  });
  afterEach(remove);

  it("names the line of a syntax error", async () => {
    const error = new SyntaxError("Unexpected token '}'");
    const [broken, sound] = [join(folder, "broken.mjs"), join(folder, "sound.mjs")];

    expect(await Promise.all([formatLoadError(error, broken), formatLoadError(error, sound)])).toEqual([
      `SyntaxError at ${broken}:3: Unexpected token '}'`,
      `Unexpected token '}' (a syntax error in what ${sound} imports)`,
    ]);
  });

  it("takes the line out of the error where it is there, as in TypeScript", async () => {
    const error = new SyntaxError("Expression expected");
    error.stack = `/home/kim/stackyard.config.ts:4\n  b: }\n     ^\n\n${error.stack}`;

    expect(await formatLoadError(error, "/home/kim/stackyard.config.ts")).toBe(
      "SyntaxError at /home/kim/stackyard.config.ts:4: Expression expected",
    );
  });

  it("leaves other errors as they are", async () => {
    expect(await formatLoadError(new Error("no leaves"), "/x.mjs")).toBe("no leaves");
    expect(await formatLoadError("odd", "/x.mjs")).toBe("odd");
  });
});
