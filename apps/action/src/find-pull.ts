import { readFile } from "node:fs/promises";
import { cutText, defined, isMap, parseJson, StackyardError, toStrictText } from "@stackyard/core";
import type { PreviewPull } from "@stackyard/sdk";

const MAX_TEXT = 1_024;

/**
 * Returns the pull request that the workflow runs for; undefined for other events. The file is that of the webhook ("Variables
 * reference", GITHUB_EVENT_PATH). Throws `USAGE` for a file that is not one of GitHub.
 */
export async function findPull(path: string | undefined, host: string): Promise<PreviewPull | undefined> {
  const event: unknown = path ? parseJson(await readFile(path, "utf8")) : undefined;
  const pull = mapAt(event, "pull_request");
  if (pull === undefined) return undefined;
  const repository = mapAt(event, "repository") ?? {};
  const [head, user] = [mapAt(pull, "head") ?? {}, mapAt(pull, "user") ?? {}];
  const { number, title } = pull;
  if (typeof number !== "number") throw new StackyardError("USAGE", "The event's pull request has no number.");
  return {
    host,
    repository: { id: String(repository["id"]), fullName: toText(repository["full_name"]) },
    number,
    url: toText(pull["html_url"]),
    ...defined({ title: cutText(toStrictText(toText(title)), MAX_TEXT) || undefined }),
    head: toText(head["sha"]),
    // The account may be deleted.
    owner: toText(user["login"] ?? "ghost"),
  };
}

function mapAt(value: unknown, key: string): Readonly<Record<string, unknown>> | undefined {
  const found = isMap(value) ? value[key] : undefined;
  return isMap(found) ? found : undefined;
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
