import type { CallOptions, HttpClient } from "./http-client.ts";

/** Loads the page of a stack or a job: one HTML file, up to 32 MiB. Throws `NOT_FOUND` without a console. */
export async function loadBundlePage(http: HttpClient, stackId: string, { signal }: CallOptions = {}): Promise<string> {
  const request = { path: ["v1", "stacks", stackId, "bundle"], query: { as: "page" }, signal };
  return (await http.openStream(request, {})).text();
}
