import type { Release, ServiceReport } from "@stackyard/sdk/releases";
import { describe, expect, it } from "vitest";
import { toReleaseSentence } from "./release-words.ts";

function aService(healthy: number, causes: readonly string[] = []): ServiceReport {
  const counts = { unhealthy: 0, terminating: 0, launching: healthy, targetHealthy: 5, targetLaunched: 6 };
  return { ...counts, healthy, causes, isHealthy: healthy >= 5 };
}

function aRelease(services: Readonly<Record<string, ServiceReport>>, more: Partial<Release> = {}): Release {
  const place = { account: "1", region: "eu-west-1", project: "acme/web", config: "prod" };
  const release = { ...place, jobId: "run-1", operation: "deploy", releaseId: "rel-42" } as const;
  const path = { state: "CheckHealthy", since: 0, timeoutSeconds: 600, path: [], lines: [], laterErrors: [] };
  return {
    ...release,
    standing: "running",
    isHalting: false,
    startedAt: "2026-11-20T03:00:00Z",
    report: { ...release, ...path, services },
    ...more,
  };
}

describe("toReleaseSentence", () => {
  it("says first what is not healthy, and why", () => {
    const release = aRelease({ web: aService(3, ["no capacity"]), worker: aService(5), api: aService(0) });

    expect(toReleaseSentence(release)).toBe(
      "web has 3 of 5 healthy servers: no capacity. api has 0 of 5 healthy servers. worker is healthy.",
    );
  });

  it("counts several that are healthy", () => {
    expect(toReleaseSentence(aRelease({ web: aService(1), a: aService(5), b: aService(6) }))).toBe(
      "web has 1 of 5 healthy servers. 2 others are healthy.",
    );
    expect(toReleaseSentence(aRelease({ a: aService(5), b: aService(6) }))).toBe("All services are healthy.");
  });

  it("says nothing that is not known", () => {
    const { report: _, ...unknown } = aRelease({});

    expect([unknown, aRelease({})].map(toReleaseSentence)).toEqual([undefined, undefined]);
  });

  it("says what runs after a success, and leaves a failure to its error", () => {
    const services = { web: aService(3) };

    expect(toReleaseSentence(aRelease(services, { standing: "succeeded", end: "Success" }))).toBe(
      "acme/web, prod runs rel-42.",
    );
    expect(toReleaseSentence(aRelease(services, { standing: "failed", end: "FailureClean" }))).toBeUndefined();
  });
});
