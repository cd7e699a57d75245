import { beforeEach, describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import type { JsonSchema, KnownExecutor } from "../machine/messages.ts";
import { tasks } from "../machine/tasks.ts";
import { MACHINE, openMachineFields, openWorkbench, selectState, textOf } from "./testing/open-workbench.tsx";

beforeEach(() => localStorage.clear());

const own = tasks.schemas(undefined);

/** An executor of a plugin. */
const deploy: KnownExecutor = {
  name: "deploy",
  config: {
    type: "object",
    required: ["image"],
    properties: {
      image: { type: "string", description: "What runs", pattern: "^[a-z/]+:[a-z0-9]+$", expected: "a tagged image" },
      size: { enum: ["small", "large"], default: "small" },
      replicas: { type: "integer", minimum: 0, description: "How many. Default: 2" },
      drain: { type: "boolean", description: "Wait for requests. Default: true" },
      ports: { type: "array", items: { type: "integer" } },
      env: { type: "object", patternProperties: { "^.*$": { type: "string" } } },
      probe: { $ref: "#/$defs/Probe" },
      script: { type: "string" },
    },
    additionalProperties: false,
    $defs: { Probe: { type: "object", properties: { path: { type: "string", title: "Path of the probe" } } } },
  } as JsonSchema,
};

/** A machine with one task in `LIVE`. */
function machineWith(config: string, executor = "deploy"): string {
  return `${MACHINE.replace("after:", "tasks: [app]\n    after:")}tasks:
  app: # the app
    executor: ${executor} # runs it
    config: ${config}
`;
}

async function openTask(config: string, executors: readonly KnownExecutor[] = [deploy], executor = "deploy") {
  const opened = await openWorkbench(machineWith(config, executor), { knowledge: { executors } });
  await selectState(opened.screen, "LIVE");
  await expect.element(opened.screen.getByRole("region", { name: "State LIVE" })).toBeVisible();
  return opened.screen;
}

async function enter(field: { fill: (text: string) => Promise<void> }, text: string): Promise<void> {
  await field.fill(text);
  await userEvent.keyboard("{Enter}");
}

it("has its helps in one line each, and whole over what follows while the field has the focus", async () => {
  const { screen } = await openWorkbench(MACHINE);
  await selectState(screen, "LIVE");
  const help = screen.getByTitle(/^From the entry; then/);
  await expect.element(help).toBeInTheDocument();
  const next = () => [...document.querySelectorAll(".inspector .schema-field")].at(-1)?.getBoundingClientRect().top;
  const before = next();

  expect(help.element().getBoundingClientRect().height).toBeLessThan(24);
  help.element().closest(".schema-field")?.querySelector("input")?.focus();
  await expect.poll(() => help.element().getBoundingClientRect().height).toBeGreaterThan(24);
  expect(next()).toBe(before);
});

describe("forms", () => {
  it("have a key as soon as the schema of machines has it", async () => {
    const color: JsonSchema = { type: "string", title: "Shade", description: "Of the block", enum: ["red", "blue"] };
    const more = { depth: { type: "integer", description: "In meters" } } as const;
    const v2 = addKeys(own.v2, { states: { color }, tasks: more, metadata: more, targets: more, events: more });
    const { screen } = await openWorkbench(machineWith("{ image: a:b }"), {
      knowledge: { schemas: { ...own, v2 }, executors: [deploy] },
    });

    await openMachineFields(screen);
    await screen.getByRole("button", { name: "Fields of OPENED" }).click();
    await expect.element(screen.getByLabelText("Depth of OPENED")).toBeVisible();
    await selectState(screen, "LIVE");
    await expect.element(screen.getByLabelText("Shade")).toHaveAccessibleDescription("Of the block.");
    await screen.getByLabelText("Shade").selectOptions("blue");
    await expect.poll(textOf).toContain("color: blue");
    await enter(screen.getByLabelText("Depth of app"), "3");

    await expect.poll(textOf).toContain("    depth: 3\n");
  });

  it("have the fields that the executor of a plugin describes, and write only their lines", async () => {
    const screen = await openTask("{ image: a/b:1 }");

    await expect
      .element(screen.getByLabelText("Image of config of app"))
      .toHaveAccessibleDescription("What runs. Enter a tagged image.");
    await screen.getByLabelText("Size of config of app").selectOptions("large");
    await expect.poll(textOf).toContain("config: { image: a/b:1, size: large }");
    await screen.getByText("Ports of config of app").click();
    await enter(screen.getByLabelText("New entry of ports of config of app"), "80");
    await expect.poll(textOf).toContain("ports: [80] }");
    await screen.getByText("Env of config of app").click();
    await enter(screen.getByLabelText("New key of env of config of app"), "A");
    await enter(screen.getByLabelText("A of env of config of app"), "b");
    await expect.poll(textOf).toContain("env: { A: b } }");
    await screen.getByText("Probe of config of app").click();
    await enter(screen.getByLabelText("Path of the probe of probe of config of app"), "/up");

    await expect.poll(textOf).toContain('probe: { path: "/up" } }');
    expect(textOf()).toContain("  app: # the app\n    executor: deploy # runs it\n");
  });

  it("follow the executor that a task gets", async () => {
    const screen = await openTask("{ image: a:b }", [deploy, { name: "script", config: fileConfig }]);

    await enter(screen.getByLabelText("Executor of app"), "script");

    await expect.element(screen.getByLabelText("File of config of app")).toBeVisible();
    await expect.element(screen.getByLabelText("Size of config of app")).not.toBeInTheDocument();
  });

  it("say what the command line says, at the field that it is about", async () => {
    const screen = await openTask("{ name: f }", await tasks.executors(undefined), "lambda");
    const field = screen.getByLabelText("Name of config of app");

    await enter(field, "");
    await expect.element(field).toHaveAccessibleDescription(/A lambda task needs name: the function's name or ARN\./);
    await expect.element(field).toHaveAttribute("aria-invalid", "true");
    await enter(field, "make-db");

    await expect.element(field).toHaveAttribute("aria-invalid", "false");
  });
});

describe("forms, as users of other tools asked for them", () => {
  it("show defaults and write none of them (argo-workflows#6779, react-jsonschema-form#1573)", async () => {
    const screen = await openTask("{ image: a:b }");

    await expect.element(screen.getByLabelText("Replicas of config of app")).toHaveAttribute("placeholder", "2");
    await expect.element(screen.getByText("small (default)")).toBeInTheDocument();
    await expect.element(screen.getByLabelText("Drain of config of app")).toBeChecked();
    expect(textOf()).toContain("config: { image: a:b }");
    await screen.getByLabelText("Drain of config of app").click();
    await expect.poll(textOf).toContain("drain: false }");
    await expect.element(screen.getByLabelText("Drain of config of app")).not.toBeChecked();
    await screen.getByLabelText("Drain of config of app").click();

    await expect.poll(textOf).toContain("config: { image: a:b }");
  });

  it("change nothing in a document when they are only visited (node-red#3087)", async () => {
    const script = '{ image: "a:b", script: "one\\n\\n two  \\n" } # kept';
    const screen = await openTask(script);
    const before = textOf();

    for (const name of ["Image of config of app", "Script of config of app", "Timeout of app"]) {
      await screen.getByLabelText(name).click();
    }
    await userEvent.keyboard("{Tab}");
    await selectState(screen, "INIT");

    expect(textOf()).toBe(before);
    await expect.element(screen.getByRole("button", { name: "Undo", exact: true })).toHaveAttribute("aria-disabled");
  });

  it("keep the lines of a text with several lines (argo-workflows#7696)", async () => {
    const screen = await openTask('{ image: a:b, script: "one\\ntwo\\n" }');
    const field = screen.getByLabelText("Script of config of app");

    await expect.element(field).toHaveValue("one\ntwo\n");
    await field.fill("one\n2\n");
    await userEvent.keyboard("{Tab}");

    await expect.poll(textOf).toContain('script: "one\\n2\\n"');
  });

  it("remove a key whose field is cleared, and keep a zero (react-jsonschema-form#369, react-jsonschema-form#1786)", async () => {
    const screen = await openTask("{ image: a:b, replicas: 3 }");
    const field = screen.getByLabelText("Replicas of config of app");

    await enter(field, "0");
    await expect.poll(textOf).toContain("replicas: 0 }");
    await expect.element(field).toHaveValue("0");
    await enter(field, "");

    await expect.poll(textOf).toContain("config: { image: a:b }");
  });

  it("show the values of an executor that is not known here, and change them (node-red#5838)", async () => {
    const screen = await openTask("{ host: h, deep: { a: [1, 2] } }", [], "elsewhere");

    await expect.element(screen.getByLabelText("host of config of app")).toHaveValue("h");
    await expect.element(screen.getByLabelText("deep of config of app")).toHaveValue('{"a":[1,2]}');
    await enter(screen.getByLabelText("host of config of app"), "i");

    await expect.poll(textOf).toContain("config: { host: i, deep: { a: [1, 2] } }");
  });

  it("keep keys that they do not know when another one is changed (node-red#841)", async () => {
    const { additionalProperties: _, ...open } = deploy.config ?? {};
    const screen = await openTask("{ image: a:b, isDefault: true }", [{ name: "deploy", config: open }]);

    await expect.element(screen.getByText("Is default")).toBeVisible();
    await enter(screen.getByLabelText("Image of config of app"), "c/d:1");

    await expect.poll(textOf).toContain('config: { image: "c/d:1", isDefault: true }');
  });

  it("mark a required value that is missing at its field, its state and in the list (node-red#557)", async () => {
    const screen = await openTask("{ image: a:b }");
    await enter(screen.getByLabelText("Image of config of app"), "");

    await expect.element(screen.getByLabelText("Image of config of app")).toHaveAttribute("aria-required", "true");
    await expect.element(screen.getByLabelText("Image of config of app")).toHaveAttribute("aria-invalid", "true");
    await screen.getByRole("button", { name: /error/ }).click();
    await expect.element(screen.getByRole("list", { name: "Problems" }).getByText(/needs "image"/)).toBeVisible();
    await expect.element(screen.getByTestId("rf__node-LIVE").getByTitle("1 problem")).toBeVisible();
  });

  it("keep the kind of value that was chosen (react-jsonschema-form#4918)", async () => {
    const either: KnownExecutor = {
      name: "deploy",
      config: {
        type: "object",
        properties: {
          args: {
            anyOf: [
              { type: "object", patternProperties: { "^.*$": {} } },
              { type: "string", default: "x" },
            ],
          },
        },
      },
    };
    const screen = await openTask("{ args: { a: 1 } }", [either]);

    await screen.getByLabelText("Kind of Args of config of app").selectOptions("text");
    await expect.poll(textOf).not.toContain("args:");
    await enter(screen.getByLabelText("Args of config of app", { exact: true }), "all");

    await expect.poll(textOf).toContain("args: all");
    await expect.element(screen.getByLabelText("Kind of Args of config of app")).toHaveValue("scalar");
  });

  it("show the present values after another state was shown (backstage/software-templates#56)", async () => {
    const screen = await openTask("{ image: a:b }");
    await enter(screen.getByLabelText("Image of config of app"), "c:d");
    await expect.poll(textOf).toContain('image: "c:d"');

    await selectState(screen, "INIT");
    await selectState(screen, "LIVE");

    await expect.element(screen.getByLabelText("Image of config of app")).toHaveValue("c:d");
  });
});

/** An executor of a plugin with a choice of keys, one of which has another that goes with it. */
const image: KnownExecutor = {
  name: "deploy",
  config: {
    type: "object",
    properties: {
      tag: { type: "string" },
      platform: { type: "string" },
      digest: { type: "string" },
      build: { type: "object", properties: { path: { type: "string" } } },
      note: { type: "string" },
    },
    oneOf: [{ required: ["tag"] }, { required: ["digest"] }, { required: ["build"] }],
    dependentRequired: { platform: ["tag"] },
  },
};

describe("a choice of keys, as users of other tools asked for it", () => {
  const choice = "Tag, digest or build of config of app";

  it("takes the keys with it that belong to another choice, and no others (react-jsonschema-form#3442, react-jsonschema-form#4821, react-jsonschema-form#3078, react-jsonschema-form#1819)", async () => {
    const screen = await openTask("{ tag: v1, platform: arm, note: kept } # it", [image]);

    await expect.element(screen.getByLabelText("Platform of config of app")).toHaveValue("arm");
    await screen.getByLabelText(choice).selectOptions("Digest");
    await expect.element(screen.getByText("A value replaces tag: v1, platform: arm.")).toBeVisible();
    await expect.element(screen.getByLabelText("Platform of config of app")).not.toBeInTheDocument();
    await enter(screen.getByLabelText("Digest of config of app", { exact: true }), "abc");

    await expect.poll(textOf).toContain("config: { digest: abc, note: kept } # it");
    await expect.element(screen.getByLabelText("Note of config of app")).toHaveValue("kept");
  });

  it("stays while other fields are filled in, and is that of the text after undo (react-jsonschema-form#1288, react-jsonschema-form#4918)", async () => {
    const screen = await openTask("{ tag: v1 }", [image]);

    await screen.getByLabelText(choice).selectOptions("Digest");
    await enter(screen.getByLabelText("Note of config of app"), "n");
    await expect.poll(textOf).toContain("config: { tag: v1, note: n }");
    await expect.element(screen.getByLabelText(choice)).toHaveValue("digest");
    await enter(screen.getByLabelText("Digest of config of app", { exact: true }), "abc");
    await expect.poll(textOf).toContain("config: { digest: abc, note: n }");
    // The form has the new text, which is parsed later.
    await expect.element(screen.getByText("A value replaces tag: v1.")).not.toBeInTheDocument();
    await screen.getByRole("button", { name: "Undo digest of config of app" }).click();

    await expect.element(screen.getByLabelText(choice)).toHaveValue("tag");
    await expect.element(screen.getByLabelText("Tag of config of app", { exact: true })).toHaveValue("v1");
  });

  it("shows both keys where a text has two, until one of them is chosen (react-jsonschema-form#2383)", async () => {
    // A text with errors has no graph to select a state in.
    const { screen } = await openWorkbench(machineWith("{ tag: v1, digest: abc }"), {
      knowledge: { executors: [image] },
    });
    await openMachineFields(screen);
    await screen.getByRole("button", { name: "Fields of app" }).click();

    await expect.element(screen.getByLabelText("Tag of config of app", { exact: true })).toHaveValue("v1");
    await expect.element(screen.getByLabelText("Digest of config of app", { exact: true })).toHaveValue("abc");
    await expect.element(screen.getByLabelText(choice)).toHaveValue("");
    await screen.getByLabelText(choice).selectOptions("Digest");

    await expect.poll(textOf).toContain("config: { digest: abc }");
  });

  it("begins a map where the chosen key has one, in place of the other key (react-jsonschema-form#4314)", async () => {
    const screen = await openTask("{ tag: v1, note: n }", [image]);

    await screen.getByLabelText(choice).selectOptions("Build");
    await expect.poll(textOf).toContain("config: { build: {}, note: n }");
    await enter(screen.getByLabelText("Path of build of config of app"), "app");

    await expect.poll(textOf).toContain("config: { build: { path: app }, note: n }");
  });
});

describe("timers, as users of other tools asked for it", () => {
  it("are written as a list of maps, in the style of the lines around, and not as a text (kestra#12434)", async () => {
    const { screen } = await openWorkbench(MACHINE);
    await selectState(screen, "INIT");

    await screen.getByText("After", { exact: true }).click();
    await screen.getByRole("button", { name: "Add entry to after of INIT" }).click();
    await enter(screen.getByLabelText("In of 1 of after", { exact: true }), "5m");
    await expect.poll(textOf).toContain("begins\n    after: [{ in: 5m }]\n");
    await enter(screen.getByLabelText("Event of 1 of after", { exact: true }), "OPENED");

    await expect.poll(textOf).toContain("    after: [{ in: 5m, event: OPENED }]\n  LIVE:");
  });

  it("keep the focus in a new entry when its first value is written (react-jsonschema-form#1744, react-jsonschema-form#4999)", async () => {
    const { screen } = await openWorkbench(MACHINE);
    await selectState(screen, "LIVE");
    await screen.getByRole("button", { name: "Add entry to after of LIVE" }).click();

    await screen.getByLabelText("In of 2 of after", { exact: true }).fill("5m");
    await userEvent.keyboard("{Tab}");
    await expect.poll(textOf).toContain("{ in: 5m }]");

    await expect.element(screen.getByLabelText("Event of 2 of after", { exact: true })).toHaveFocus();
  });

  it("say at the choice that none of its keys has a value, and write nothing before (kestra#10796, kestra#14004)", async () => {
    const { screen } = await openWorkbench(MACHINE);
    await selectState(screen, "LIVE");
    await enter(screen.getByLabelText("In of 1 of after", { exact: true }), "");
    await expect.poll(textOf).toContain("after: [{ event: MERGED }]");

    await expect
      .element(screen.getByLabelText("In of 1 of after", { exact: true }))
      .toHaveAccessibleDescription(/needs in, at or cron/);
    await screen.getByLabelText("In, at or cron of 1 of after").selectOptions("At");
    await expect
      .element(screen.getByRole("region", { name: "State LIVE" }).getByText(/needs in, at or cron/))
      .toBeVisible();
    expect(textOf()).toContain("after: [{ event: MERGED }]");
    await screen.getByRole("button", { name: "Add entry to after of LIVE" }).click();
    await screen.getByRole("button", { name: "Remove 2 of after of LIVE" }).click();

    expect(textOf()).toContain("after: [{ event: MERGED }]");
    await expect.element(screen.getByRole("button", { name: "Undo in of 1 of after of LIVE" })).toBeVisible();
  });
});

describe("the editor, as users of other tools asked for it", () => {
  it("shows how to begin with a new document, and no error (kestra#4404, kestra#6408)", async () => {
    const { screen } = await openWorkbench("");

    await expect.element(screen.getByRole("button", { name: "Start from a template" })).toBeVisible();
    await expect.element(screen.getByText(/drawn as soon as/)).not.toBeInTheDocument();
    expect(document.querySelector("[role='alert']")).toBeNull();
  });

  it("checks the text where only the text is shown, too (kestra#1157)", async () => {
    const { screen } = await openWorkbench(MACHINE, { width: 390 });
    await expect.element(screen.getByText("Valid")).toBeVisible();
    await screen.getByRole("button", { name: "Text" }).click();

    await screen.getByRole("textbox").click();
    await userEvent.keyboard("{Control>}{End}{/Control}extra: 1");

    await screen.getByRole("button", { name: /error/ }).click();
    await expect.element(screen.getByRole("list", { name: "Problems" }).getByText(/"extra"/)).toBeVisible();
  });
});

const fileConfig: JsonSchema = { type: "object", properties: { file: { type: "string" } } };

type Keys = Readonly<Record<string, JsonSchema>>;

/** Adds keys to the parts of a machine's schema: to each state, task and so on. */
function addKeys(root: JsonSchema, parts: Readonly<Record<string, Keys>>): JsonSchema {
  const added = Object.entries(root.properties ?? {}).map(([name, part]) => [name, addTo(part, parts[name] ?? {})]);
  return { ...root, properties: Object.fromEntries(added) };
}

function addTo(part: JsonSchema, keys: Keys): JsonSchema {
  const entries = Object.entries(part.patternProperties ?? {}).map(([pattern, schema]) => [
    pattern,
    { ...schema, properties: { ...schema.properties, ...keys } },
  ]);
  return {
    ...part,
    ...(part.patternProperties && { patternProperties: Object.fromEntries(entries) }),
    ...(part.anyOf && { anyOf: part.anyOf.map((branch) => addTo(branch, keys)) }),
  };
}
