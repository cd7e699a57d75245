import type { ReleaseKey } from "../release-deps.ts";

/** What a document's place in a bucket is made of. */
export function toReleaseKey(document: Readonly<Record<string, unknown>>): ReleaseKey {
  const text = (key: string) => String(document[key] ?? "");
  return {
    aws_account_id: text("aws_account_id"),
    project_name: text("project_name"),
    config_name: text("config_name"),
    release_id: text("release_id"),
  };
}
