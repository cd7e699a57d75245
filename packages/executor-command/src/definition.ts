import { type DocumentConfig, type Executor, isMap, matchesGlob, type TasksReport } from "@stackyard/core";
import { DURATION_PATTERN, hasExpression, parseDuration } from "@stackyard/core/machine";
import { GitSourceConfig, LocalSourceConfig, S3SourceConfig, SOURCE_DOCUMENTS } from "@stackyard/sources/definition";
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

/** A folder of the project. */
const Folder = Type.String({ minLength: 1, maxLength: 1_024 });

/** Which program a task runs, and what its end means. */
export const CommandConfig = Type.Object(
  {
    run: Type.Union([Words, Text], { description: "`[program, argument, …]`; one text with `shell: true`" }),
    shell: Type.Optional(Type.Boolean({ description: "True: `run` is a text for `/bin/sh`. Default: false" })),
    folder: Type.Optional(
      Type.Union([Folder, LocalSourceConfig, S3SourceConfig, GitSourceConfig], {
        description: "Where it runs: a folder of the project, or a copy of a source. Default: the project",
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
    sources: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 2_048 }), {
        maxItems: 100,
        description:
          "Where `folder` may come from, in addition to the project: `git:HOST/REPOSITORY` or `s3:BUCKET/KEY`; a star fits any characters. Default: nowhere else",
      }),
    ),
    untrusted: Type.Optional(
      Type.Boolean({
        description: "True: also commits with `trusted: false`, in targets with a role. Default: false",
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
export const ALLOW_ALL: CommandOptions = {
  allow: [
    { program: "*", sources: ["*"] },
    { shell: true, sources: ["*"] },
  ],
};

const DEFAULT_GRACE_MS = 30_000;
/** A cancel may take five minutes: a signal, and a program that ends what was begun, with this time each. */
const MAX_GRACE_MS = 120_000;
const SLACK_MS = 60_000;

/** Returns the time of a program to end after a signal. */
export function toGraceMs({ grace }: Pick<CommandConfig, "grace">): number {
  return Math.min(parseDuration(grace ?? "") ?? DEFAULT_GRACE_MS, MAX_GRACE_MS);
}

/** The config in documents of version 2, where a source may have expressions. */
const CommandDocument = Type.Object(
  { ...CommandConfig.properties, folder: Type.Optional(Type.Union([Folder, ...Object.values(SOURCE_DOCUMENTS)])) },
  closed,
);

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
  documentSchemas: { v1: CommandConfig, v2: CommandDocument },
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
  for (const { path, allowance } of checkPrograms(options, machine, config)) {
    if (allowance.kind === "refused") return { code: "command-not-allowed", path, message: allowance.reason };
  }
  return undefined;
}

/** A program of a config, where the config names it, and whether it may run. */
interface CheckedProgram {
  /** Undefined is the shell. */
  readonly program: string | undefined;
  readonly path: readonly string[];
  readonly allowance: Allowance;
}

/** The rule that allows a program, or why none does. */
type Allowance =
  | { readonly kind: "allowed"; readonly rule: CommandRule }
  | { readonly kind: "refused"; readonly reason: string };

/** Decides by the options of a yard whether a machine may run the programs of a config. Without rules it runs none. */
export function checkPrograms(
  options: CommandOptions,
  machine: string,
  { run, shell, cancel, folder }: DocumentConfig,
): readonly CheckedProgram[] {
  const toFirst = (words: unknown) => (Array.isArray(words) ? String(words[0]) : "");
  const check = (program: string | undefined, ...path: readonly string[]): CheckedProgram => {
    return { program, path, allowance: findRule(options, { machine, program, folder }) };
  };
  return [
    check(shell === true ? undefined : toFirst(run), "run"),
    ...(isMap(cancel) && "run" in cancel ? [check(toFirst(cancel["run"]), "cancel", "run")] : []),
  ];
}

/** A program that a machine wants to run in a folder; undefined is the shell. */
interface WantedProgram {
  readonly machine: string;
  readonly program: string | undefined;
  readonly folder: unknown;
}

function findRule({ allow = [] }: CommandOptions, wanted: WantedProgram): Allowance {
  const { machine, program, folder } = wanted;
  const what = program === undefined ? "texts by the shell" : JSON.stringify(program);
  if (program?.split("/").includes("..")) {
    return { kind: "refused", reason: `The program ${what} leads out of its folder. Name it without "..".` };
  }
  const origin = findOrigin(folder);
  const rule = allow.find((each) => fits(each, wanted, origin));
  if (rule?.user !== undefined && isMap(folder) && origin === undefined) {
    const reason = `The rule for ${what} names a user, and a copy of the project could show to this user what only the worker may read. Write the folder as a text.`;
    return { kind: "refused", reason };
  }
  if (rule !== undefined) return { kind: "allowed", rule };
  const entry = [
    program === undefined ? "shell: true" : `program: ${what}`,
    ...(origin === undefined ? [] : [`sources: [${JSON.stringify(origin.address)}]`]),
    ...(origin?.isTrusted === false ? ["untrusted: true"] : []),
  ];
  const where = origin === undefined ? "" : ` in ${origin.isTrusted ? "" : "untrusted files of "}${origin.address}`;
  const reason = `This yard does not allow the machine ${JSON.stringify(machine)} to run ${what}${where}. Add { ${entry.join(", ")} } to executors.command.allow of its configuration.`;
  return { kind: "refused", reason };
}

/** Where files that are not of the project come from. */
interface Origin {
  readonly address: string;
  readonly isTrusted: boolean;
}

function findOrigin(folder: unknown): Origin | undefined {
  if (!isMap(folder) || folder["type"] === "local") return undefined;
  const { type, host, repository, bucket, key, trusted } = folder;
  const address = type === "git" ? `git:${host}/${repository}` : `s3:${bucket}/${key}`;
  return { address, isTrusted: trusted !== false };
}

function fits(rule: CommandRule, { machine, program }: WantedProgram, origin: Origin | undefined): boolean {
  const { shell, machines = ["*"], sources = [], untrusted = false } = rule;
  const matches = (patterns: readonly string[], text: string) => patterns.some((each) => matchesGlob(each, text));
  const fitsProgram = program === undefined ? shell === true : matches([rule.program ?? []].flat(), program);
  if (!fitsProgram || !matches(machines, machine)) return false;
  return origin === undefined || ((origin.isTrusted || untrusted) && matches(sources, origin.address));
}
