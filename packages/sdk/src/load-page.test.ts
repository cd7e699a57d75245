import { describe, expect, it } from "vitest";
import type { Page } from "./history-entry.ts";
import type { HttpClient } from "./http-client.ts";
import { loadPage } from "./load-page.ts";

const path = ["v1", "stacks"];

/** A server with these pages, whose cursors are their numbers, and the queries that it was sent. */
function serve(...pages: readonly Page<string>[]) {
  const queries: unknown[] = [];
  const http: Pick<HttpClient, "requestJson"> = {
    async requestJson<Answer>(request: Parameters<HttpClient["requestJson"]>[0]) {
      queries.push(request.query);
      return pages[Number(request.query?.["cursor"] ?? 0)] as Answer;
    },
  };
  return { http, queries };
}

describe("loadPage", () => {
  it("asks again for what large items have kept off a page", async () => {
    const { http, queries } = serve({ items: ["a", "b"], cursor: "1" }, { items: ["c"], cursor: "2" }, { items: [] });

    const page = await loadPage(http, { path, query: { limit: 3, state: "UP" } });

    expect(page).toEqual({ items: ["a", "b", "c"], cursor: "2" });
    expect(queries).toEqual([
      { limit: 3, state: "UP" },
      { limit: 1, state: "UP", cursor: "1" },
    ]);
  });

  it("ends with the list, and begins at a cursor", async () => {
    const { http } = serve({ items: ["a"], cursor: "1" }, { items: [], cursor: "2" }, { items: ["c"] });

    expect(await loadPage(http, { path, query: {} })).toEqual({ items: ["a", "c"] });
    expect(await loadPage(http, { path, query: { cursor: "2" } })).toEqual({ items: ["c"] });
  });

  it("collects the rows that the server cannot read", async () => {
    const row = (id: string) => ({ id, reason: "It is not JSON." });
    const { http } = serve(
      { items: ["a"], cursor: "1", unreadable: [row("b")] },
      { items: [], unreadable: [row("c")] },
    );

    const page = await loadPage(http, { path, query: {} });

    expect(page).toEqual({ items: ["a"], unreadable: [row("b"), row("c")] });
  });
});
