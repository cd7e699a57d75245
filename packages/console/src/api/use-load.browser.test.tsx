import { afterEach, describe, expect, it, vi } from "vitest";
import { notConfigured } from "../testing/custom-resources.ts";
import { problem, renderPage } from "../testing/render-page.tsx";
import { queryClient, yard } from "./client.ts";
import { useLoad } from "./use-load.ts";

afterEach(() => void vi.useRealTimers());

function Requests() {
  const load = useLoad(["x"], (request) => yard.customResources.get("x", request), { refetchInterval: 5_000 });
  return load.error !== null && <p>Answered</p>;
}

describe("useLoad", () => {
  it.each([
    ["asks by age for what a server cannot answer at the moment", problem(503, "BUSY", "Later."), 1],
    ["does not ask by age for what the server does not have", problem(404, "NOT_FOUND", "No such request."), 0],
    ["does not ask by age for what is not configured", notConfigured, 0],
  ])("%s", async (_, answer, requests) => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { screen } = await renderPage(Requests, "/", { "GET /v1/custom-resources/x": answer });
    await expect.element(screen.getByText("Answered")).toBeVisible();

    vi.advanceTimersByTime(5_000);

    expect(queryClient.isFetching({ queryKey: ["x"] })).toBe(requests);
  });
});
