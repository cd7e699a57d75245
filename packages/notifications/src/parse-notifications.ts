import { defined } from "@stackyard/core";
import {
  type Cel,
  type CelTemplate,
  compileCel,
  compileCelTemplate,
  type ExpressionFault,
  type Problem,
  parseDuration,
  parseYamlDocument,
} from "@stackyard/core/machine";
import { isZone } from "@stackyard/core/services";
import ipaddr from "ipaddr.js";
import { type Static, Type } from "typebox";
import { shorten } from "./channel-state.ts";
import type { Channel } from "./channels/channels.ts";
import { NotificationsDocument, type RuleSource } from "./notifications-document.ts";
import type { QuietHours } from "./quiet-hours.ts";

/** The result of an expression; `failed` contains its place and why it cannot be evaluated. */
export type Applied<Value> =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "failed"; readonly path: string; readonly reason: string };

/** Evaluates an expression of a rule over its variables. */
export type Applies<Value> = (scope: RuleScope) => Applied<Value>;

/** Values of the variables, by name: `entry`, `stack` and `metadata`, or `notice`. */
export type RuleScope = Readonly<Record<string, unknown>>;

/** A rule that may be applied. */
export interface Rule {
  readonly name: string;
  /** Which things it is about: lines of the history, or notices. */
  readonly about: "entry" | "notice";
  /** False if `when`, `resolve` and `urgent` need only the line, so stacks are loaded only for lines that match. */
  readonly needsStack: boolean;
  readonly to: readonly string[];
  readonly when: Applies<boolean>;
  /** The title, or undefined for the default. */
  readonly title: Applies<string> | undefined;
  readonly text: Applies<string> | undefined;
  readonly dedupe: { readonly key: Applies<string>; readonly forMs: number } | undefined;
  readonly digest: { readonly everyMs: number; readonly max: number } | undefined;
  readonly quiet: QuietHours | undefined;
  readonly urgent: Applies<boolean>;
  readonly resolve: Applies<boolean> | undefined;
  /** What ends its alerts, with an id of that content; undefined for a rule without `resolve`. */
  readonly ending: { readonly id: string; readonly source: Ending } | undefined;
  /** True for a rule of an earlier document: it begins nothing, and ends only what began under it. */
  readonly isFormer: boolean;
}

/** What ends the alerts of a rule, as its document says. */
export const Ending = Type.Object({
  name: Type.String(),
  when: Type.String(),
  resolve: Type.String(),
  key: Type.Optional(Type.String()),
});
export type Ending = Static<typeof Ending>;

/** The document, ready to be applied. */
export interface Notifications {
  /** The address of the console. */
  readonly url: string | undefined;
  readonly channels: ReadonlyMap<string, Channel>;
  readonly rules: readonly Rule[];
}

const ENTRY = ["entry", "stack", "metadata"];
const NOTICE = ["notice"];
/** Lines of a digest that are listed; the others are counted. */
const MAX_LISTED = 20;

/** Parses a document of notifications. Never throws: without problems it has notifications. */
export function parseNotifications(source: string): {
  readonly notifications?: Notifications;
  readonly problems: readonly Problem[];
} {
  const document = parseYamlDocument(source, NotificationsDocument);
  if (document.value === undefined) return { problems: document.problems };
  const { url, channels, rules } = document.value;
  const problems: Problem[] = [];
  const report = (path: readonly string[], code: string, message: string): void => {
    problems.push(document.problemAt(path, code, message));
  };
  checkChannels(channels, report);
  checkNames(document.value.rules, report);
  const compiled = rules.map((rule, index) => {
    checkRule(rule, index, { channels, report });
    return compileRule(rule, (key, faults) => {
      for (const { code, message } of faults) report(["rules", `${index}`, ...key], code, message);
    });
  });
  if (problems.length > 0) return { problems };
  const notifications = { url, channels: new Map(Object.entries(channels)), rules: compiled };
  return { notifications, problems };
}

type Report = (path: readonly string[], code: string, message: string) => void;

function checkChannels(channels: NotificationsDocument["channels"], report: Report): void {
  for (const [name, channel] of Object.entries(channels)) {
    if (channel.type === "email") {
      if ((channel.user === undefined) === (channel.password === undefined)) continue;
      report(["channels", name], "channel-login", '"user" and "password" belong together. Add the other one.');
      continue;
    }
    for (const [index, network] of (channel.allow ?? []).entries()) {
      if (ipaddr.isValidCIDR(network)) continue;
      const path = ["channels", name, "allow", `${index}`];
      report(path, "invalid-value", `"${network}" is not a network such as 10.1.0.0/16.`);
    }
  }
}

function checkNames(rules: readonly RuleSource[], report: Report): void {
  const names = rules.map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) === index) continue;
    report(["rules", `${index}`, "name"], "rule-twice", `Another rule is named "${name}". Rename one.`);
  }
}

interface RuleChecks {
  readonly channels: NotificationsDocument["channels"];
  readonly report: Report;
}

function checkRule({ to, quiet, digest, resolve }: RuleSource, index: number, { channels, report }: RuleChecks): void {
  const path = ["rules", `${index}`];
  for (const [place, name] of to.entries()) {
    if (Object.hasOwn(channels, name)) continue;
    const known = Object.keys(channels).join(", ");
    report([...path, "to", `${place}`], "channel-unknown", `Unknown channel "${name}". Channels: ${known}.`);
  }
  if (quiet !== undefined && !isZone(quiet.zone)) {
    const message = `Unknown time zone "${quiet.zone}". Use a name such as Europe/Berlin.`;
    report([...path, "quiet", "zone"], "invalid-value", message);
  }
  if (quiet?.from !== undefined && quiet.from === quiet.to) {
    report([...path, "quiet", "to"], "invalid-value", '"from" and "to" are the same. Change one.');
  }
  if (resolve !== undefined && (quiet ?? digest) !== undefined) {
    const message = 'An alert that is resolved is sent at once. Remove "resolve", or "digest" and "quiet".';
    report([...path, "resolve"], "resolve-digest", message);
  }
}

/**
 * Returns the rule that still ends what began under an earlier document; undefined if this release no longer reads its
 * expressions.
 */
export function compileFormer({ name, when, resolve, key }: Ending): Rule | undefined {
  const dedupe = key === undefined ? {} : { dedupe: { key, for: "0s" } };
  let isRead = true;
  const rule = compileRule({ name, when, resolve, to: [], ...dedupe }, () => {
    isRead = false;
  });
  return isRead ? { ...rule, when: () => ({ kind: "value", value: false }), isFormer: true } : undefined;
}

function compileRule(
  rule: RuleSource,
  report: (key: readonly string[], faults: readonly ExpressionFault[]) => void,
): Rule {
  const about =
    compileCel(rule.when, ENTRY).kind !== "cel" && compileCel(rule.when, NOTICE).kind === "cel" ? "notice" : "entry";
  const variables = about === "entry" ? ENTRY : NOTICE;
  const condition = (key: string, source: string): Applies<boolean> => {
    const compiled = compileCel(source, variables);
    if (compiled.kind === "cel") return (scope) => evaluateCondition(compiled.cel, `rules.${rule.name}.${key}`, scope);
    report([key], compiled.faults);
    return () => ({ kind: "value", value: false });
  };
  const template = (key: readonly string[], source: string): Applies<string> => {
    const compiled = compileCelTemplate(source, variables);
    if (compiled.kind === "template") {
      return (scope) => resolve(compiled.template, `rules.${rule.name}.${key.join(".")}`, scope);
    }
    report(key, compiled.faults);
    return () => ({ kind: "value", value: "" });
  };
  const { urgent = false, digest, dedupe } = rule;
  const conditions = [rule.when, rule.resolve, urgent].filter((source) => typeof source === "string");
  return {
    name: rule.name,
    about,
    needsStack: conditions.some((source) => compileCel(source, ["entry"]).kind !== "cel"),
    to: rule.to,
    when: condition("when", rule.when),
    title: rule.title === undefined ? undefined : template(["title"], rule.title),
    text: rule.text === undefined ? undefined : template(["text"], rule.text),
    dedupe: dedupe && { key: template(["dedupe", "key"], dedupe.key), forMs: toMs(dedupe.for) },
    digest: digest && { everyMs: toMs(digest.every), max: digest.max ?? MAX_LISTED },
    quiet: rule.quiet,
    urgent: typeof urgent === "boolean" ? () => ({ kind: "value", value: urgent }) : condition("urgent", urgent),
    resolve: rule.resolve === undefined ? undefined : condition("resolve", rule.resolve),
    ending: toEnding(rule),
    isFormer: false,
  };
}

function toEnding({ name, when, resolve, dedupe }: RuleSource): Rule["ending"] {
  if (resolve === undefined) return undefined;
  const source = { name, when, resolve, ...defined({ key: dedupe?.key }) };
  return { id: shorten(JSON.stringify([name, when, resolve, dedupe?.key])), source };
}

function evaluateCondition(cel: Cel, path: string, scope: RuleScope): Applied<boolean> {
  const found = cel.evaluate(scope);
  if (found.kind === "error") return { kind: "failed", path, reason: found.reason };
  const { value } = found;
  if (typeof value === "boolean") return { kind: "value", value };
  return { kind: "failed", path, reason: "it must be true or false" };
}

function resolve(template: CelTemplate, path: string, scope: RuleScope): Applied<string> {
  const found = template.resolve(scope);
  if (found.kind === "error") return { kind: "failed", path, reason: found.reason };
  const { value } = found;
  return { kind: "value", value: typeof value === "string" ? value : (JSON.stringify(value) ?? "") };
}

/** Converts a duration, which the schema has checked, to milliseconds. */
function toMs(duration: string): number {
  return parseDuration(duration) ?? 0;
}
