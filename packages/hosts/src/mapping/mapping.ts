import { defined, findNearestName, isMap } from "@stackyard/core";
import { decideEvent, formatServiceDenial, SERVICE_RIGHTS } from "@stackyard/core/access";
import {
  type Cel,
  type CelTemplate,
  compileCel,
  compileCelTemplate,
  type Evaluated,
  type ExpressionFault,
  type Machine,
  type Problem,
  parseYamlDocument,
  type YamlDocument,
} from "@stackyard/core/machine";
import { type Static, Type } from "typebox";
import type { Hook } from "../delivery/hook.ts";
import type { HostPermission } from "../host-permission.ts";
import type { PullRule } from "../pull/decide-pull.ts";

const closed = { additionalProperties: false };
const Name = Type.String({ minLength: 1, maxLength: 255 });
const Cel4096 = Type.String({ minLength: 1, maxLength: 4_096 });
const Sent = {
  send: Name,
  metadata: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 255 }), Type.Unknown(), { maxProperties: 64 }),
  ),
};
const PullSend = Type.Object(Sent, closed);

/** A document of the folder `hooks`: maps events of a code host to events of stacks. */
export const MappingDocument = Type.Object(
  {
    host: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", description: "Name of a host of the plugin's options." }),
    when: Type.Optional(Cel4096),
    machine: Name,
    stack: Type.String({ minLength: 1, maxLength: 1_024, description: "Template of the stack's id." }),
    commit: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: `The metadata key whose value says which commit the stack has. Default: the only key with the value "\${hook.pull.head}" or "\${hook.push.head}".`,
      }),
    ),
    forks: Type.Optional(Type.Union([Type.Literal("ignore"), Type.Literal("trust"), Type.Literal("allow")])),
    pull: Type.Optional(
      Type.Object(
        { open: Type.Optional(PullSend), head: Type.Optional(PullSend), closed: Type.Optional(PullSend) },
        closed,
      ),
    ),
    rules: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" }),
        Type.Object(
          {
            on: Type.String({
              pattern: "^(pull|push|command|installation|message)[.][A-Za-z0-9._-]{1,64}$",
              expected: "the kind of a hook, such as pull.opened or command.extend",
            }),
            when: Type.Optional(Cel4096),
            needs: Type.Optional(
              Type.Enum(["read", "triage", "write", "maintain", "admin"], {
                description: "Of a command: what its sender may do in the repository. Default: write.",
              }),
            ),
            ...Sent,
          },
          closed,
        ),
        { ...closed, maxProperties: 50 },
      ),
    ),
  },
  closed,
);
export type MappingDocument = Static<typeof MappingDocument>;

/** A mapping document that may be applied. */
export interface Mapping {
  /** Name of its file, without the ending. */
  readonly name: string;
  readonly host: string;
  readonly machine: string;
  readonly forks: "ignore" | "trust" | "allow";
  /** The template of the stack's id. */
  readonly stackTemplate: string;
  /** The metadata key whose value says which commit a stack has. Missing: its events bring no commits. */
  readonly commit?: string;
  /** Returns whether a hook is for this document. */
  matches(hook: MappedHook): Applied<boolean>;
  /** Returns the id of the stack. */
  stackOf(hook: MappedHook): Applied<string>;
  readonly pull: Readonly<Partial<Record<PullRule, EventTemplate>>>;
  /** In the order of the document. */
  readonly rules: readonly MappingRule[];
}

/** A hook for expressions: a pull request of a fork with a trusted head, or of the repository itself, is `trusted`. */
export type MappedHook = Hook | (Hook & { readonly pull: { readonly trusted: boolean } });

/** A hook with an optional sender. Expressions that use the sender fail without one. */
export type MetadataHook = Omit<Hook, "sender"> & Partial<Pick<Hook, "sender">>;

/** A rule under `rules`. */
export interface MappingRule extends EventTemplate {
  readonly name: string;
  /** `KIND.ACTION` of the hooks that it is for. */
  readonly on: string;
  /** The permission in the repository that the sender of a command needs. */
  readonly needs: HostPermission;
  /** Returns whether the rule applies to a hook of its kind and action. */
  matches(hook: MappedHook): Applied<boolean>;
}

/** The event that a rule sends. */
export interface EventTemplate {
  readonly event: string;
  /** Returns the event's metadata: text, numbers, booleans and null by key. */
  metadataOf(hook: MetadataHook): Applied<EventMetadata>;
}

/** Metadata of an event. */
export type EventMetadata = Readonly<Record<string, string | number | boolean | null>>;

/** The result of an expression of a mapping; `error` names its place and why it cannot be evaluated. */
export type Applied<Value> =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "error"; readonly reason: string };

/**
 * Parses a mapping document. Never throws: without problems it has a mapping. With the machine of its stacks, what the
 * machine refuses of its events is a problem too.
 */
export function parseMapping(
  source: string,
  name: string,
  machine?: Machine,
): { readonly mapping?: Mapping; readonly problems: readonly Problem[] } {
  const document = parseYamlDocument(source, MappingDocument);
  if (document.value === undefined) return { problems: document.problems };
  const compiler = createCompiler(document, machine);
  const mapping = compileMapping(document.value, name, compiler);
  return compiler.problems.length === 0 ? { mapping, problems: [] } : { problems: compiler.problems };
}

interface Compiler {
  readonly problems: Problem[];
  /** That of the stacks. Undefined: it is not known, and not compared. */
  readonly machine: Machine | undefined;
  refuse(path: readonly string[], code: string, message: string): void;
  condition(
    path: readonly string[],
    source: string | undefined,
    variables?: readonly string[],
  ): (hook: MappedHook) => Applied<boolean>;
  template(path: readonly string[], source: unknown, variables?: readonly string[]): (hook: MetadataHook) => Evaluated;
}

const VARIABLES = ["hook"];
/** A pull request is also decided on without a delivery: what only a delivery says would end its preview. */
const OF_PULLS = ["hook.repository", "hook.pull"];
const PULLS_ADVICE =
  'A document with "pull" may use only what is true of the pull request: its author is "hook.pull.author". Rules may use the others.';
const APPROVES = '"/preview approve" answers a task of the executor "approval". It sends no event: remove the rule.';

function createCompiler(document: YamlDocument<MappingDocument>, machine: Machine | undefined): Compiler {
  const problems: Problem[] = [];
  const report = (path: readonly string[], faults: readonly ExpressionFault[], variables: readonly string[]): void => {
    for (const { code, message } of faults) {
      const isOfPulls = variables === OF_PULLS && /"hook\./.test(message);
      problems.push(document.problemAt(path, code, isOfPulls ? `${message} ${PULLS_ADVICE}` : message));
    }
  };
  return {
    problems,
    machine,
    refuse: (path, code, message) => void problems.push(document.problemAt(path, code, message)),
    condition(path, source, variables = VARIABLES) {
      if (source === undefined) return () => ({ kind: "value", value: true });
      const compiled = compileCel(source, variables);
      if (compiled.kind === "cel") return (hook) => evaluateCondition(compiled.cel, path, hook);
      report(path, compiled.faults, variables);
      return () => ({ kind: "value", value: false });
    },
    template(path, source, variables = VARIABLES) {
      const compiled = compileCelTemplate(source, variables);
      if (compiled.kind === "template") return (hook) => resolve(compiled.template, path, hook);
      for (const { path: inside, ...fault } of compiled.faults) report([...path, ...inside], [fault], variables);
      return () => ({ kind: "error", reason: "The template has problems." });
    },
  };
}

function evaluateCondition(cel: Cel, path: readonly string[], hook: MappedHook): Applied<boolean> {
  const found = cel.evaluate({ hook });
  if (found.kind === "error") return fail(path, found.reason);
  const { value } = found;
  return typeof value === "boolean" ? { kind: "value", value } : fail(path, "it must be true or false");
}

function resolve(template: CelTemplate, path: readonly string[], hook: MetadataHook): Evaluated {
  const found = template.resolve({ hook });
  return found.kind === "error" ? fail(path, found.reason) : found;
}

function fail(path: readonly string[], reason: string): { readonly kind: "error"; readonly reason: string } {
  return { kind: "error", reason: `${path.join(".")}: ${reason}` };
}

function compileMapping(document: MappingDocument, name: string, compiler: Compiler): Mapping {
  const { host, machine, forks = "trust", pull = {}, rules = {} } = document;
  const pulls = Object.entries(pull).map(
    ([rule, sent]) => [rule, compileEvent({ machine, path: ["pull", rule] }, sent, compiler)] as const,
  );
  for (const [rule, { on, needs }] of Object.entries(rules)) {
    if (on === "command.approve") compiler.refuse(["rules", rule, "on"], "rule-approve", APPROVES);
    if (needs !== undefined && !on.startsWith("command.")) {
      compiler.refuse(["rules", rule, "needs"], "rule-needs", "Only commands need a permission. Remove the key.");
    }
  }
  const commit = document.commit ?? findCommitKey([...Object.values(pull), ...Object.values(rules)]);
  if (document.commit !== undefined) checkKeys(compiler, ["commit"], [document.commit]);
  const variables = document.pull === undefined ? VARIABLES : OF_PULLS;
  const stackOf = compiler.template(["stack"], document.stack, variables);
  return {
    name,
    host,
    machine,
    forks,
    stackTemplate: document.stack,
    ...defined({ commit }),
    matches: compiler.condition(["when"], document.when, variables),
    stackOf: (hook) => toStackId(stackOf(hook)),
    pull: Object.fromEntries(pulls),
    rules: Object.entries(rules).map(([rule, { on, when, needs = "write", ...sent }]) => {
      const path = ["rules", rule];
      const matches = compiler.condition([...path, "when"], when);
      return {
        name: rule,
        on,
        needs,
        matches: (hook) => (`${hook.kind}.${hook.action}` === on ? matches(hook) : { kind: "value", value: false }),
        ...compileEvent({ machine, path }, sent, compiler),
      };
    }),
  };
}

function toStackId(found: Evaluated): Applied<string> {
  if (found.kind === "error") return found;
  const { value } = found;
  const isId = typeof value === "string" && value.length > 0 && value.length <= 255;
  return isId ? { kind: "value", value } : fail(["stack"], "it must be text of 1 to 255 characters");
}

function compileEvent(
  { machine, path }: { readonly machine: string; readonly path: readonly string[] },
  { send, metadata = {} }: Static<typeof PullSend>,
  compiler: Compiler,
): EventTemplate {
  const decision = decideEvent({ name: send, stackId: "", machine }, SERVICE_RIGHTS);
  if (decision.kind !== "allowed") {
    compiler.refuse([...path, "send"], "rule-send", formatServiceDenial(send, decision));
  }
  checkSend(compiler, path, { send, keys: Object.keys(metadata) });
  const inside = [...path, "metadata"];
  const resolveMetadata = compiler.template(inside, metadata);
  return { event: send, metadataOf: (hook) => toMetadata(inside, resolveMetadata(hook)) };
}

/** Refuses what the machine would refuse of each such event. */
function checkSend(
  compiler: Compiler,
  path: readonly string[],
  { send, keys }: { readonly send: string; readonly keys: readonly string[] },
): void {
  const { machine, refuse } = compiler;
  if (machine === undefined) return;
  const { name, events, requiredMetadata } = machine;
  if (!events.has(send)) {
    const near = findNearestName(send, events);
    const advice = near === undefined ? "" : ` Did you mean "${near}"?`;
    refuse([...path, "send"], "rule-event", `Machine "${name}" declares no event "${send}".${advice}`);
    return;
  }
  const missing = (requiredMetadata.get(send) ?? []).filter((key) => !keys.includes(key));
  for (const key of missing) {
    refuse(path, "rule-metadata", `Machine "${name}" requires the metadata "${key}" of "${send}".`);
  }
  checkKeys(compiler, [...path, "metadata"], keys);
}

/** Refuses keys that the machine does not have. */
function checkKeys({ machine, refuse }: Compiler, path: readonly string[], keys: readonly string[]): void {
  if (machine === undefined || machine.metadata.additional) return;
  for (const key of keys.filter((each) => !machine.metadata.keys.has(each))) {
    const place = path.at(-1) === "metadata" ? [...path, key] : path;
    refuse(place, "rule-metadata", `Machine "${machine.name}" declares no metadata "${key}".`);
  }
}

const HEAD = /^\$\{ *hook\.(?:pull|push)\.head *\}$/;

/** Returns the only key that events have a head under. */
function findCommitKey(sent: readonly Pick<Static<typeof PullSend>, "metadata">[]): string | undefined {
  const entries = sent.flatMap(({ metadata = {} }) => Object.entries(metadata));
  const keys = new Set(entries.flatMap(([key, value]) => (HEAD.test(String(value)) ? [key] : [])));
  const [key] = keys;
  return keys.size === 1 ? key : undefined;
}

function toMetadata(path: readonly string[], found: Evaluated): Applied<EventMetadata> {
  if (found.kind === "error") return found;
  const entries = isMap(found.value) ? Object.entries(found.value) : [];
  const wrong = entries.find(([, value]) => typeof value === "object" && value !== null);
  if (wrong) return fail([...path, wrong[0]], "a value of metadata is text, a number, a boolean or null");
  // Every value is a scalar, as was checked.
  return { kind: "value", value: Object.fromEntries(entries) as EventMetadata };
}
