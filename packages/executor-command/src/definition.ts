import { type DocumentConfig, type Executor, matchesGlob, type TasksReport } from "@stackyard/core";
import { DURATION_PATTERN, hasExpression, parseDuration } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";

const closed = { additionalProperties: false };

const Text = Type.String({ maxLength: 32_768 });
const Words = Type.Array(Text, { minItems: 1, maxItems: 1_000, description: "The program and its arguments" });
const Codes = (description: string) =>
  Type.Optional(Type.Array(Type.Integer({ minimum: 0, maximum: 255 }), { maxItems: 256, description }));

const Duration = (description: string) =>
  Type.Optional(Type.String({ pattern: DURATION_PATTERN, expected: "a duration such as 30s", description }));

/** Names by which the system loads foreign code into a program, and those of Stackyard. */
const VARIABLE = "^(?!STACKYARD_|LD_|DYLD_)[A-Za-z_][A-Za-z0-9_]{0,127}$";

const Output = Type.Object(
  {
    type: Type.Optional(
      Type.Union([Type.Literal("string"), Type.Literal("number"), Type.Literal("boolean")], {
        description: "What a text is read as. Default: `string`; JSON keeps its types",
      }),
    ),
    sensitive: Type.Optional(Type.Boolean({ description: "Masked in the log from when it is written" })),
    optional: Type.Optional(Type.Boolean({ description: "May be missing" })),
  },
  closed,
);
/** An output that a program must write. */
export type DeclaredOutput = Static<typeof Output>;

/** Which program a task runs, and what its end means. */
export const CommandConfig = Type.Object(
  {
    run: Type.Union([Words, Text], { description: "`[program, argument, …]`; one text with `shell: true`" }),
    shell: Type.Optional(Type.Boolean({ description: "True: `run` is a text for `/bin/sh`. Default: false" })),
    folder: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_024,
        description: "Where it runs, in the project. Default: the project",
      }),
    ),
    environment: Type.Optional(
      Type.Record(Type.String({ pattern: VARIABLE }), Type.Union([Text, Type.Number(), Type.Boolean()]), {
        maxProperties: 200,
        additionalProperties: false,
        description: "Variables of the program",
      }),
    ),
    stdin: Type.Optional(Type.String({ maxLength: 262_144, description: "Its standard input. Default: empty" })),
    timeout: Duration("When it is stopped. Default: that of the task"),
    grace: Duration("Its time to end after a signal, at most `2m`. Default: `30s`"),
    success: Codes("Exit codes of a success. Default: `[0]`"),
    retryable: Codes("Exit codes after which another attempt begins, as `retry` allows. Default: `[75]`"),
    outputs: Type.Optional(
      Type.Record(Type.String({ minLength: 1, maxLength: 255 }), Output, {
        maxProperties: 64,
        description: "What it writes to the file `$STACKYARD_OUTPUTS`; others are returned as they are",
      }),
    ),
    cancel: Type.Optional(
      Type.Object(
        {
          signal: Type.Optional(
            Type.Union(
              [Type.Literal("SIGTERM"), Type.Literal("SIGINT"), Type.Literal("SIGHUP"), Type.Literal("SIGQUIT")],
              { description: "Default: `SIGTERM`" },
            ),
          ),
          run: Type.Optional({ ...Words, description: "Runs after the program has ended, to end what it has begun" }),
        },
        { ...closed, description: "How it is stopped" },
      ),
    ),
    exclusive: Type.Optional(
      Type.String({
        pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
        expected: "a name such as orders-database",
        description: "Tasks with the same name run one after the other in the yard",
      }),
    ),
    repeatable: Type.Optional(
      Type.Boolean({ description: "True: it may run again when its worker was lost. Default: false" }),
    ),
  },
  closed,
);
export type CommandConfig = Static<typeof CommandConfig>;

/** What the program has written: scalars as they are, lists and maps as JSON text. */
export const CommandOutputs = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]),
  { maxProperties: 64 },
);
export type CommandOutputs = Static<typeof CommandOutputs>;

const Rule = Type.Object(
  {
    program: Type.Optional(
      Type.String({ minLength: 1, maxLength: 1_024, description: "As a task names it; a star fits any characters" }),
    ),
    shell: Type.Optional(Type.Boolean({ description: "True: any text for the shell, instead of `program`" })),
    machines: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
        maxItems: 100,
        description: "Names of machines; a star fits any characters. Default: all",
      }),
    ),
    user: Type.Optional(
      Type.String({
        pattern: "^[a-z_][a-z0-9_-]{0,31}$",
        expected: "a user of the system",
        description: "Who runs it, which needs a worker of root. Default: the user of the worker",
      }),
    ),
  },
  closed,
);
/** Programs that machines may run. */
type CommandRule = Static<typeof Rule>;

/** Options of the executor `command`. */
export const CommandOptions = Type.Object(
  {
    allow: Type.Optional(
      Type.Array(Rule, {
        maxItems: 200,
        description: "Which machines may run which programs; the first that fits. Default: none, and with `dev` all",
      }),
    ),
    passEnvironment: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        maxItems: 100,
        description: "Further variables of the worker to pass; a trailing `*` matches any suffix. Default: none",
      }),
    ),
  },
  closed,
);
export type CommandOptions = Static<typeof CommandOptions>;

/** The options of a yard for one person, whose machines are their own: everything is allowed. */
export const ALLOW_ALL: CommandOptions = { allow: [{ program: "*" }, { shell: true }] };

const DEFAULT_GRACE_MS = 30_000;
/** A cancel may take five minutes: a signal, and a program that ends what was begun, with this time each. */
const MAX_GRACE_MS = 120_000;
const SLACK_MS = 60_000;

/** Returns the time of a program to end after a signal. */
export function toGraceMs({ grace }: Pick<CommandConfig, "grace">): number {
  return Math.min(parseDuration(grace ?? "") ?? DEFAULT_GRACE_MS, MAX_GRACE_MS);
}

/** The definition of the executor `command` for engine, validator and editor; imports no SDK. */
export const commandDefinition = {
  name: "command",
  config: CommandConfig,
  outputs: CommandOutputs,
  resumable: false,
  cancelWithin: "5m",
  exclusiveKey: (_: unknown, { exclusive }: CommandConfig) =>
    exclusive === undefined ? undefined : `command/${exclusive}`,
  timeout(config: CommandConfig): number | undefined {
    const ms = parseDuration(config.timeout ?? "");
    return ms === undefined ? undefined : ms + toGraceMs(config) + SLACK_MS;
  },
  documentSchemas: { v1: CommandConfig, v2: CommandConfig },
  checkTasks: (configs: ReadonlyMap<string, DocumentConfig>, report: TasksReport) => checkTasks(configs, report),
} as const satisfies Omit<Executor, "start">;

/** Returns the definition in a yard with these options: what they do not allow is an error of the machine. */
export function createCommandDefinition(options: CommandOptions) {
  return {
    ...commandDefinition,
    checkTasks: (configs: ReadonlyMap<string, DocumentConfig>, report: TasksReport) =>
      checkTasks(configs, report, options),
  };
}

/** What is wrong with the parts of a config together. */
export interface CommandFault {
  readonly code: string;
  readonly path: readonly string[];
  readonly message: string;
}

/** Returns the first fault of a config that its schema does not find. */
export function findCommandFault({ run, shell, grace }: DocumentConfig): CommandFault | undefined {
  if (shell === true && typeof run !== "string") {
    return { code: "command-shell-text", path: ["run"], message: "With shell: true, run is one text." };
  }
  if (shell !== true && typeof run === "string") {
    const message = "run is a list: [program, argument, …]. For one text, decide for shell: true.";
    return { code: "command-run-list", path: ["run"], message };
  }
  if (typeof grace === "string" && (parseDuration(grace) ?? 0) > MAX_GRACE_MS) {
    return { code: "command-grace-too-long", path: ["grace"], message: "grace is 2m at most." };
  }
  return undefined;
}

function checkTasks(configs: ReadonlyMap<string, DocumentConfig>, report: TasksReport, options?: CommandOptions): void {
  for (const [task, config] of configs) {
    const fault =
      findCommandFault(config) ??
      (report.version === 2 ? findOpenFault(config) : undefined) ??
      findRefusal(config, report.machine, options);
    if (fault !== undefined) report.error(fault.code, { task, path: fault.path }, fault.message);
    else if (config["shell"] === true && options?.allow === undefined) {
      const message = `The task ${report.quote(task)} runs a text by the shell. A list needs no quoting, and nothing in it is a command.`;
      report.warn("command-shell", { task, path: ["shell"] }, message);
    }
  }
}

/** A program is known when the machine is read, and no value becomes a command. */
function findOpenFault({ run, shell }: DocumentConfig): CommandFault | undefined {
  if (shell === true && typeof run === "string" && hasExpression(run)) {
    const message =
      'A text for the shell has no "${": a value could contain commands. Put it into environment, and write "$NAME". For more than that, write a script.';
    return { code: "command-shell-expression", path: ["run"], message };
  }
  const program = Array.isArray(run) ? run[0] : undefined;
  if (typeof program !== "string" || !hasExpression(program)) return undefined;
  const message =
    "The program has no expressions; its arguments may. What may run is decided when the machine is read.";
  return { code: "command-program-expression", path: ["run"], message };
}

function findRefusal(
  config: DocumentConfig,
  machine: string,
  options: CommandOptions | undefined,
): CommandFault | undefined {
  if (options === undefined) return undefined;
  for (const { program, path } of listPrograms(config)) {
    const refusal = findRule(options, { machine, program });
    if (refusal.kind === "refused") return { code: "command-not-allowed", path, message: refusal.reason };
  }
  return undefined;
}

/** Returns the programs of a config by where it names them; undefined is the shell. */
export function listPrograms({ run, shell, cancel }: DocumentConfig): readonly {
  readonly program: string | undefined;
  readonly path: readonly string[];
}[] {
  const toFirst = (words: unknown) => (Array.isArray(words) ? String(words[0]) : "");
  const ofCancel = typeof cancel === "object" && cancel !== null && "run" in cancel ? toFirst(cancel.run) : undefined;
  return [
    { program: shell === true ? undefined : toFirst(run), path: ["run"] },
    ...(ofCancel === undefined ? [] : [{ program: ofCancel, path: ["cancel", "run"] }]),
  ];
}

/** A program that a machine wants to run; undefined is the shell. */
interface WantedProgram {
  readonly machine: string;
  readonly program: string | undefined;
}

/** The rule that allows a program, or why none does. */
type Allowance =
  | { readonly kind: "allowed"; readonly rule: CommandRule }
  | { readonly kind: "refused"; readonly reason: string };

/** Decides by the options of a yard whether a machine may run a program. Without rules it runs none. */
export function findRule({ allow = [] }: CommandOptions, { machine, program }: WantedProgram): Allowance {
  const what = program === undefined ? "texts by the shell" : JSON.stringify(program);
  if (program?.split("/").includes("..")) {
    return { kind: "refused", reason: `The program ${what} leads out of its folder. Name it without "..".` };
  }
  const rule = allow.find((each) => fitsProgram(each, program) && fitsMachine(each, machine));
  if (rule !== undefined) return { kind: "allowed", rule };
  const entry = program === undefined ? "{ shell: true }" : `{ program: ${what} }`;
  const reason = `This yard does not allow the machine ${JSON.stringify(machine)} to run ${what}. Add ${entry} to executors.command.allow of its configuration.`;
  return { kind: "refused", reason };
}

function fitsProgram(rule: CommandRule, program: string | undefined): boolean {
  if (program === undefined) return rule.shell === true;
  return rule.program !== undefined && matchesGlob(rule.program, program);
}

function fitsMachine({ machines }: CommandRule, machine: string): boolean {
  return machines === undefined || machines.some((pattern) => matchesGlob(pattern, machine));
}
