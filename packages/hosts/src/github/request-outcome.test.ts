import { describe, expect, it } from "vitest";
import { toHostFault } from "./request-outcome.ts";

const NOW = Date.parse("2026-11-26T05:00:00Z");
const failure = (status: number, headers: object = {}, message = "Forbidden") =>
  Object.assign(new Error(message), { status, response: { headers } });

describe("why a request to GitHub failed", () => {
  it.each([
    // Of the limit by the hour, which has no retry-after [hub4j/github-api#220, argo-cd#9413].
    [failure(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW / 1_000 + 900) }), 900],
    [failure(429, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW / 1_000 + 900) }), 900],
    [failure(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW / 1_000 - 5) }), 60],
    [failure(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW / 1_000 + 90_000) }), 60],
    // Of a secondary limit, whose header may be missing [inaka/erlang-github#27].
    [failure(403, { "x-ratelimit-remaining": "4928" }, "You have exceeded a secondary rate limit."), 60],
    [failure(403, { "retry-after": "30", "x-ratelimit-remaining": "0" }), 30],
  ])("is a wait for a limit: %#", (error, seconds) => {
    expect(toHostFault(error, NOW)).toEqual({ kind: "waiting", until: NOW + seconds * 1_000 });
  });

  it("is a refusal when the limit is not used up [octokit/plugin-throttling.js#222]", () => {
    expect(toHostFault(failure(403, { "x-ratelimit-remaining": "4999" }), NOW)).toEqual({ kind: "forbidden" });
  });
});
