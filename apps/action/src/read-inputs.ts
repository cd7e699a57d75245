import { createHash } from "node:crypto";
import { getInput } from "@actions/core";
import { defined, StackyardError } from "@stackyard/core";
import type { NewEvent } from "@stackyard/sdk";
import { parseMetadata, parseTimeout } from "@stackyard/sdk/send";

/** The inputs of the step. */
export interface Inputs {
  readonly url: string;
  readonly event: NewEvent & { readonly id: string };
  /** States, or `removed`. Undefined: only the event is waited for. */
  readonly until: readonly string[] | undefined;
  readonly timeoutMs: number;
  readonly host: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const MAX_ID = 255;

/** Reads the inputs of the step. Throws `USAGE`. */
export function readInputs(env: Environment): Inputs {
  const [stackId, event] = [readName("stack"), readName("event")];
  const [machine, confirm] = [getInput("machine") || undefined, getInput("confirm") || undefined];
  const words = toWords(getInput("metadata"));
  const metadata = words.length === 0 ? undefined : parseMetadata(words);
  const until = getInput("until")
    .split(/[\s,]+/)
    .filter((state) => state !== "");
  return {
    url: parseUrl(getInput("url")),
    event: {
      stackId,
      event,
      id: toEventId(env, { stackId, event, machine, metadata, confirm }),
      ...defined({ machine, metadata, confirm }),
    },
    until: until.length === 0 ? undefined : until,
    timeoutMs: parseTimeout(getInput("timeout") || "10m", "timeout"),
    host: getInput("host") || "github",
  };
}

function readName(input: string): string {
  const value = getInput(input);
  if (value !== "" && value.length <= MAX_ID) return value;
  throw usage(
    value === "" ? `The input "${input}" is missing.` : `The input "${input}" is longer than ${MAX_ID} characters.`,
  );
}

/** Parses the address. It gets a token, so it must be https, or the machine of the job. */
function parseUrl(text: string): string {
  if (text === "") throw usage('The input "url" is missing.');
  const url = URL.parse(text);
  const isLocal = url?.protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  if (url !== null && (url.protocol === "https:" || isLocal)) return url.href.replace(/\/$/, "");
  throw usage(`"${text}" is not the https address of a server.`);
}

function toWords(text: string): readonly string[] {
  if (text.trimStart().startsWith("{")) return [text];
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/**
 * Returns the event's id: a rerun of a job has another attempt, and a repeated step in it sends the same event. Jobs of a
 * matrix, other steps and calls of one workflow have ids of their own, as what they send does.
 */
function toEventId(env: Environment, { event, ...content }: EventContent): string {
  const parts = ["GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB"].map((name) => {
    const value = env[name];
    if (value) return value;
    throw usage(`The variable ${name} is missing. Run this in a job of GitHub Actions.`);
  });
  const index = getInput("job-index");
  const step = [index, env["GITHUB_ACTION"] ?? ""].filter((part) => part !== "");
  const digest = createHash("sha256")
    .update(JSON.stringify(toSorted(content)))
    .digest("base64url")
    .slice(0, 16);
  const id = [...parts, ...step, event, digest].join("/");
  if (id.length <= MAX_ID) return id;
  throw usage(`The id of the event, "${id}", is longer than ${MAX_ID} characters. Use shorter names.`);
}

interface EventContent {
  readonly event: string;
  readonly stackId: string;
  readonly machine: string | undefined;
  readonly metadata: NewEvent["metadata"];
  readonly confirm: string | undefined;
}

/** Returns the content with its metadata by name: lines in another order are the same. */
function toSorted({ metadata = {}, ...content }: Omit<EventContent, "event">) {
  const entries = Object.entries(metadata).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return { ...content, metadata: entries };
}

function usage(message: string): StackyardError {
  return new StackyardError("USAGE", message);
}
