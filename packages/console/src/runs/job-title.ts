import { cutText, isMap } from "@stackyard/core";
import type { Job } from "@stackyard/sdk/jobs";

type Config = Job["config"];

const MOST_CHARACTERS = 80;

/**
 * Returns what a job does, in a few words of its config, such as `Deploy rel-42 of acme/web, prod`. The name of the executor
 * where its config names nothing of the kind.
 */
export function formatJob({ executor, config }: Pick<Job, "executor" | "config">): string {
  const toTitle = Object.hasOwn(TITLES, executor) ? TITLES[executor] : undefined;
  const title = (toTitle ?? findName)(config);
  return title === "" ? executor : cutText(title, MOST_CHARACTERS);
}

const TITLES: Readonly<Record<string, (config: Config) => string>> = {
  asg: toReleaseTitle,
  runcommand: toFleetTitle,
  terraform: toTerraformTitle,
  command: ({ run }) => toWords(run),
  ecs: ({ taskDefinition }) => withVerb("Run", toShortName(toWords(taskDefinition))),
  lambda: ({ name }) => withVerb("Call", toWords(name).replace(/^arn:.*:function:/, "")),
};

const OPERATIONS: Readonly<Record<string, string>> = { rollback: "Roll back", repair: "Repair", retire: "Retire" };

/** An operation on a project and one of its configs, of a release where one is named. */
function toReleaseTitle({ op, release, at, releaseId }: Config): string {
  const document = isMap(release) ? release : {};
  const place = isMap(at) ? at : {};
  const id = toWords(releaseId ?? document["release_id"]);
  const project = toWords(place["project"] ?? document["project_name"]);
  const of = [project, toWords(place["config"] ?? document["config_name"])].filter(Boolean).join(", ");
  if (id === "" && of === "") return "";
  const operation = toWords(op) || "deploy";
  const verb = OPERATIONS[operation] ?? toSentence(operation);
  return [verb, [id, of].filter(Boolean).join(" of ")].join(" ");
}

/** A command on a fleet: what is sent, and to which instances where their tag says it. */
function toFleetTitle({ profile, document, artifact, targets }: Config): string {
  const sent = toShortName(toWords(document ?? profile ?? (isMap(artifact) ? artifact["key"] : undefined)));
  const [target, ...others] = Array.isArray(targets) ? targets : [];
  const where = others.length === 0 && isMap(target) ? toTarget(target) : "";
  return `${withVerb("Run", sent) || "Command"} on ${where || "a fleet"}`;
}

/** Such as `Role=web`. */
function toTarget({ key, values }: Readonly<Record<string, unknown>>): string {
  const name = toWords(key);
  const some = Array.isArray(values) ? values.map(toWords).join(", ") : "";
  return name.startsWith("tag:") && some !== "" ? `${name.slice("tag:".length)}=${some}` : "";
}

const ACTIONS: Readonly<Record<string, string>> = { drift: "Look for drift in" };

function toTerraformTitle({ action, source, state }: Config): string {
  const from = isMap(source) ? source : {};
  const what = [state, from["path"], from["location"], from["key"], from["repository"]].map(toWords).find(Boolean);
  const name = toWords(action);
  return name === "" ? "" : `${ACTIONS[name] ?? toSentence(name)} ${what ?? "Terraform"}`;
}

/** Keys by which other executors name what they do, the plainest first. */
const NAMES = ["title", "name", "run", "command", "script", "task", "action", "url"] as const;

function findName(config: Config): string {
  return NAMES.map((key) => toWords(config[key])).find(Boolean) ?? "";
}

function toWords(value: unknown): string {
  if (Array.isArray(value)) return value.every((word) => typeof word === "string") ? value.join(" ") : "";
  return typeof value === "string" ? value.trim() : "";
}

/** Returns the end of an ARN or of a path. */
function toShortName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function withVerb(verb: string, what: string): string {
  return what === "" ? "" : `${verb} ${what}`;
}

function toSentence(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
