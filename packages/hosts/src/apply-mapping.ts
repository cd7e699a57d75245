import { decidePull, NO_PULL, type PullRecord, type PullRule, type PullTarget } from "./decide-pull.ts";
import type { Hook, HookPull } from "./hook.ts";
import { type HostPermission, hasPermission } from "./host-permission.ts";
import type { Applied, EventMetadata, EventTemplate, MappedHook, Mapping } from "./mapping.ts";

/** An event for a stack, as a mapping document describes it. */
export interface MappedEvent {
  /** `open`, `head` or `closed` of `pull`, or the name of a rule. */
  readonly rule: string;
  readonly stackId: string;
  readonly machine: string;
  readonly event: string;
  readonly metadata: EventMetadata;
}

/** A mapping that a hook belongs to, and the stack that it means. */
export interface MatchedMapping {
  readonly mapping: Mapping;
  readonly stackId: string;
}

/** Why a hook cannot be applied: an expression of a document failed, or two documents name the same stack. */
export interface MappingFailure {
  readonly kind: "failed";
  readonly code: "HOOK_FAILED";
  /** Begins with the document and the place in it. */
  readonly reason: string;
}

/**
 * Returns the first document that matches a hook of this host; undefined when none does. Two documents that name the
 * same stack for a hook are a failure, because each would send it events.
 */
export function findMapping(
  mappings: readonly Mapping[],
  host: string,
  hook: MappedHook,
): { readonly kind: "matched"; readonly match: MatchedMapping } | MappingFailure | undefined {
  const matches: MatchedMapping[] = [];
  for (const mapping of mappings.filter((each) => each.host === host && isFor(each, hook))) {
    const matching = mapping.matches(hook);
    if (matching.kind === "error") return fail(mapping, matching.reason);
    if (!matching.value) continue;
    const stack = mapping.stackOf(hook);
    if (stack.kind === "error") return fail(mapping, stack.reason);
    matches.push({ mapping, stackId: stack.value });
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

/** Skips documents without rules for pushes and messages: these have no pull request, which `when` may need. */
function isFor({ rules }: Mapping, { kind }: MappedHook): boolean {
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
  readonly isAsked: boolean;
  readonly lost?: PullRule | undefined;
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
  const found = findMapping(mappings, host, mapped);
  if (found?.kind === "failed") return found;
  const match = found?.match;
  const target = match && { mapping: match.mapping.name, stackId: match.stackId };
  const forks = match?.mapping.forks ?? "trust";
  const renamed = findRenamed(record, hook, target);
  if (renamed !== undefined) return renamed;
  const decision = decidePull(record, { pull: hook.pull, target, forks, ...state });
  if (decision.kind !== "send") return decision;
  const { rule, target: to } = decision;
  const mapping = mappings.find(({ name }) => name === to.mapping);
  if (mapping === undefined) return failWithout(to);
  const template = mapping.pull[rule];
  if (template === undefined) return { kind: "nothing", record: decision.record };
  const made = toEvent({ mapping, stackId: to.stackId }, rule, template, mapped);
  if (made.kind === "error") return fail(mapping, made.reason);
  const { fullName } = hook.repository ?? {};
  const named = rule === "closed" || fullName === undefined ? {} : { repository: fullName };
  return { kind: "send", event: made.value, record: { ...decision.record, ...named } };
}

/**
 * Returns the failure when documents have another stack or none for an open pull request because its repository was
 * renamed or moved: that is a fault of the documents, and no reason to remove what runs.
 */
function findRenamed(record: PullRecord, hook: PullHook, target: PullTarget | undefined): MappingFailure | undefined {
  const { phase, repository: before, target: own } = record;
  const now = hook.repository?.fullName;
  if (phase !== "open" || hook.pull.state !== "open" || own === undefined || before === undefined) return undefined;
  if (before === now || (target?.mapping === own.mapping && target.stackId === own.stackId)) return undefined;
  const becomes = target === undefined ? "no document matches it" : `its stack would be "${target.stackId}"`;
  const reason = `the repository "${before}" is "${now}" now, and ${becomes}. Change the document; "${own.stackId}" is kept.`;
  return { kind: "failed", code: "HOOK_FAILED", reason: `document ${own.mapping}: ${reason}` };
}

function failWithout({ mapping, stackId }: PullTarget): MappingFailure {
  const hint = `Bring it back, or end the stack "${stackId}" by its closing event.`;
  return { kind: "failed", code: "HOOK_FAILED", reason: `document ${mapping}: it was removed. ${hint}` };
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

function toEvent(
  { mapping, stackId }: MatchedMapping,
  rule: string,
  template: EventTemplate,
  hook: MappedHook,
): Applied<MappedEvent> {
  const metadata = template.metadataOf(hook);
  if (metadata.kind === "error") return metadata;
  const { machine } = mapping;
  return { kind: "value", value: { rule, stackId, machine, event: template.event, metadata: metadata.value } };
}
