import { defined, toShellCommand } from "@stackyard/core";
import type { BroughtCommit } from "@stackyard/core/machine";
import type { Hook, HookPull } from "../delivery/hook.ts";
import { type HostPermission, hasPermission } from "../host-permission.ts";
import {
  decidePull,
  NO_COMMIT,
  NO_PULL,
  type PullDecision,
  type PullRecord,
  type PullRule,
  type PullTarget,
} from "../pull/decide-pull.ts";
import type { Applied, EventMetadata, EventTemplate, MappedHook, Mapping } from "./mapping.ts";

/** An event for a stack, as a mapping document describes it. */
export interface MappedEvent {
  /** `open`, `head` or `closed` of `pull`, or the name of a rule. */
  readonly rule: string;
  readonly stackId: string;
  readonly machine: string;
  readonly event: string;
  readonly metadata: EventMetadata;
  /** The commit that it brings. */
  readonly commit?: BroughtCommit;
}

/** A mapping that a hook belongs to, and the stack that it means. */
export interface MatchedMapping {
  readonly mapping: Mapping;
  readonly stackId: string;
  /** The template that the id follows from. */
  readonly template: string;
}

/** Why a hook cannot be applied: an expression of a document failed, or two documents name the same stack. */
export interface MappingFailure {
  readonly kind: "failed";
  readonly code: "HOOK_FAILED";
  /** Begins with the document and the place in it. */
  readonly reason: string;
}

/**
 * Returns the document for a hook of this host: the one of the stack that a pull request has, as long as it matches; else
 * the first that matches, undefined when none does. Two documents that name the same stack for a hook are a failure,
 * because each would send it events.
 */
export function findMapping(
  mappings: readonly Mapping[],
  host: string,
  { hook, record = NO_PULL }: { readonly hook: MappedHook; readonly record?: PullRecord | undefined },
): { readonly kind: "matched"; readonly match: MatchedMapping } | MappingFailure | undefined {
  const own = findOwn(mappings, host, record);
  const matches: MatchedMapping[] = [];
  for (const mapping of mappings.filter((each) => each.host === host && isFor(each, hook)).toSorted(beginWith(own))) {
    const matching = mapping.matches(hook);
    if (matching.kind === "error") return fail(mapping, matching.reason);
    if (!matching.value) continue;
    const stack = mapping.stackOf(hook);
    if (stack.kind === "error") return fail(mapping, stack.reason);
    matches.push(toMatch(record, { hook, mapping, stackId: stack.value, isOwn: mapping === own }));
    if (mapping === own) break;
  }
  const [match, ...others] = matches;
  if (match === undefined) return undefined;
  const rival = others.find(({ stackId }) => stackId === match.stackId);
  if (rival === undefined) return { kind: "matched", match };
  return fail(
    match.mapping,
    `stack: "${match.stackId}" is also the stack of the document ${rival.mapping.name}. Change one "when".`,
  );
}

interface MatchInput extends Pick<MatchedMapping, "mapping" | "stackId"> {
  readonly hook: MappedHook;
  /** The document is that of the stack that the pull request has. */
  readonly isOwn: boolean;
}

/**
 * Returns the match of a document. A pull request keeps its stack although its document names another one now, because the
 * template of stacks is new, or because the repository has another name: a new value alone does not end what runs.
 */
function toMatch({ target, repository }: PullRecord, { hook, mapping, stackId, isOwn }: MatchInput): MatchedMapping {
  const match = { mapping, stackId, template: mapping.stackTemplate };
  if (!isOwn || target === undefined || target.stackId === stackId) return match;
  const { template = mapping.stackTemplate } = target;
  const isRenamed = repository !== undefined && repository !== hook.repository?.fullName;
  const isKept = isRenamed || template !== mapping.stackTemplate;
  return isKept ? { mapping, stackId: target.stackId, template } : match;
}

/** Sorts a document before the others, which keep their order. */
function beginWith(first: Mapping | undefined): (one: Mapping, other: Mapping) => number {
  return (one, other) => Number(other === first) - Number(one === first);
}

/** Returns the names of the documents that match a pull request, as far as they can be evaluated. */
export function listMatching(
  mappings: readonly Mapping[],
  { host, hook }: { readonly host: string; readonly hook: MappedHook },
): readonly string[] {
  const own = mappings.filter((each) => each.host === host && isFor(each, hook));
  return own.flatMap((mapping) => {
    const found = mapping.matches(hook);
    return found.kind === "value" && found.value ? [mapping.name] : [];
  });
}

/** Skips documents without rules for pushes and messages: these have no pull request, which `when` may need. */
export function isFor({ rules }: Mapping, { kind }: MappedHook): boolean {
  return kind === "pull" || kind === "command" || rules.some(({ on }) => on.startsWith(`${kind}.`));
}

function fail({ name }: Mapping, reason: string): MappingFailure {
  return { kind: "failed", code: "HOOK_FAILED", reason: `document ${name}: ${reason}` };
}

/** The facts of the yard and the host about a pull request, in addition to the request itself. */
export interface PullState {
  readonly record?: PullRecord;
  readonly hasStack: boolean;
  readonly isEnding?: boolean;
  readonly isRemoved?: boolean;
  readonly isAsked: boolean;
  readonly isRerun?: boolean;
  readonly isRead?: boolean;
}

/** A hook about a pull request. */
export type PullHook = Hook & { readonly pull: HookPull };

/** The event for the stack of a pull request, and the record to store once it was published. */
export type AppliedPull =
  | { readonly kind: "send"; readonly event: MappedEvent; readonly record: PullRecord }
  | { readonly kind: "nothing" | "waits-for-trust"; readonly record: PullRecord }
  | { readonly kind: "stale" }
  | MappingFailure;

/** Applies the rules `open`, `head` and `closed` of a host's documents to a pull request. @see decidePull */
export function applyPull(
  mappings: readonly Mapping[],
  { host, hook }: { readonly host: string; readonly hook: PullHook },
  { record = NO_PULL, ...state }: PullState,
): AppliedPull {
  const mapped = withTrust(hook, record);
  const found = isDecided(mappings, host, { hook, record })
    ? undefined
    : findMapping(mappings, host, { hook: mapped, record });
  if (found?.kind === "failed") return found;
  const match = found?.match;
  const target = match && toTarget(match);
  const own = toOwn(record, target);
  const fault =
    findRenamed(own, hook, target) ??
    (state.hasStack ? findWithout(mappings, host, { record: own, target }) : undefined);
  if (fault !== undefined) return fault;
  const decision = decidePull(own, { pull: hook.pull, target, forks: match?.mapping.forks ?? "trust", ...state });
  return decision.kind === "send" ? toSend(mappings, mapped, decision) : decision;
}

function toSend(
  mappings: readonly Mapping[],
  hook: MappedHook,
  { rule, target, record }: Extract<PullDecision, { kind: "send" }>,
): AppliedPull {
  const mapping = mappings.find(({ name }) => name === target.mapping);
  if (mapping === undefined) return failWithout(target);
  const template = mapping.pull[rule];
  if (template === undefined) return { kind: "nothing", record };
  const made = toEvent({ mapping, stackId: target.stackId, pullRule: rule }, rule, template, hook);
  if (made.kind === "error") return fail(mapping, made.reason);
  const { fullName } = hook.repository ?? {};
  const named = rule === "closed" || fullName === undefined ? {} : { repository: fullName };
  return { kind: "send", event: made.value, record: { ...record, ...named } };
}

interface PullAndRecord {
  readonly hook: PullHook;
  readonly record: PullRecord;
}

/** Returns true for a pull request that is closed: no document wants it, and the one of its stack says what follows. */
function isDecided(mappings: readonly Mapping[], host: string, { hook, record }: PullAndRecord): boolean {
  const hasOwn = record.phase === "none" || findOwn(mappings, host, record) !== undefined;
  return hook.pull.state === "closed" && hasOwn;
}

/** Returns the document of the stack that a pull request has. */
function findOwn(mappings: readonly Mapping[], host: string, { phase, target }: PullRecord): Mapping | undefined {
  if (phase !== "open" || target === undefined) return undefined;
  return mappings.find((mapping) => mapping.name === target.mapping && mapping.host === host);
}

function toTarget({ mapping: { name }, stackId, template }: MatchedMapping): PullTarget {
  return { mapping: name, stackId, template };
}

/** Returns the record with the present name of its document: the same stack may be that of a document with a new name. */
function toOwn(record: PullRecord, target: PullTarget | undefined): PullRecord {
  const isSame = record.phase === "open" && target !== undefined && record.target?.stackId === target.stackId;
  return isSame ? { ...record, target } : record;
}

/**
 * Returns the failure when another document or none matches an open pull request because its repository was renamed or
 * moved: that is a fault of the documents, and no reason to remove what runs.
 */
function findRenamed(record: PullRecord, hook: PullHook, target: PullTarget | undefined): MappingFailure | undefined {
  const { phase, repository: before, target: own } = record;
  const now = hook.repository?.fullName;
  if (phase !== "open" || hook.pull.state !== "open" || own === undefined || before === undefined) return undefined;
  if (before === now || target?.stackId === own.stackId) return undefined;
  const becomes = target === undefined ? "no document matches it" : `its stack would be "${target.stackId}"`;
  const reason = `the repository "${before}" is "${now}" now, and ${becomes}. Change the document; "${own.stackId}" is kept.`;
  return { kind: "failed", code: "HOOK_FAILED", reason: `document ${own.mapping}: ${reason}` };
}

/** Returns the failure when a stack would be left because its document was removed or is for another host. */
function findWithout(
  mappings: readonly Mapping[],
  host: string,
  { record, target }: { readonly record: PullRecord; readonly target: PullTarget | undefined },
): MappingFailure | undefined {
  const { phase, target: own } = record;
  if (phase !== "open" || own === undefined || target?.stackId === own.stackId) return undefined;
  return findOwn(mappings, host, record) === undefined ? failWithout(own) : undefined;
}

function failWithout({ mapping, stackId }: PullTarget): MappingFailure {
  const what = "it was removed, or is for another host";
  const hint = `"${stackId}" is kept. Bring the document back, or end it with ${toShellCommand`stackyard previews down ${stackId}`}.`;
  return { kind: "failed", code: "HOOK_FAILED", reason: `document ${mapping}: ${what}. ${hint}` };
}

/** Returns the hook as expressions see it: with `hook.pull.trusted`. */
export function withTrust(hook: Hook, record: PullRecord = NO_PULL): MappedHook {
  const { pull } = hook;
  if (pull === undefined) return hook;
  return { ...hook, pull: { ...pull, trusted: !pull.fork || record.trustedHead === pull.head } };
}

/** The events that the rules of a document produce for a hook. */
export interface AppliedRules {
  readonly kind: "events";
  readonly events: readonly MappedEvent[];
  /** The permissions that its sender lacks, of rules that would have fitted a command. */
  readonly lacking: readonly HostPermission[];
}

/** Applies the rules of a document to a hook: one event for each rule that matches if its sender has the permission. */
export function applyRules(match: MatchedMapping, hook: MappedHook): AppliedRules | MappingFailure {
  const events: MappedEvent[] = [];
  const lacking: HostPermission[] = [];
  for (const rule of match.mapping.rules) {
    const matching = rule.matches(hook);
    if (matching.kind === "error") return fail(match.mapping, matching.reason);
    if (!matching.value) continue;
    if (hook.kind === "command" && !hasPermission(hook.sender.permission, rule.needs)) {
      lacking.push(rule.needs);
      continue;
    }
    const made = toEvent(match, rule.name, rule, hook);
    if (made.kind === "error") return fail(match.mapping, made.reason);
    events.push(made.value);
  }
  return { kind: "events", events, lacking };
}

interface EventPlace extends Pick<MatchedMapping, "mapping" | "stackId"> {
  /** The key of `pull` that sends it. Missing: one of `rules`, which may have the same name. */
  readonly pullRule?: PullRule;
}

function toEvent(
  { mapping, stackId, pullRule }: EventPlace,
  rule: string,
  template: EventTemplate,
  hook: MappedHook,
): Applied<MappedEvent> {
  const metadata = template.metadataOf(hook);
  if (metadata.kind === "error") return metadata;
  const { machine } = mapping;
  const value = { rule, stackId, machine, event: template.event, metadata: metadata.value };
  // The newest head, or what a rule sends under the key of the document. What closes a pull request brings nothing.
  const hasKey = mapping.commit !== undefined && Object.hasOwn(metadata.value, mapping.commit);
  const brings = pullRule === undefined ? hasKey : pullRule !== "closed";
  return { kind: "value", value: { ...value, ...(brings && defined({ commit: toCommit(mapping, hook) })) } };
}

/** Returns the commit of a hook, under the key of the document. */
function toCommit({ commit: key }: Mapping, { pull, push }: MappedHook): BroughtCommit | undefined {
  const id = pull?.head ?? push?.head;
  return key === undefined || id === undefined || id === NO_COMMIT ? undefined : { id, key };
}
