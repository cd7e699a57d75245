import { lazy, Suspense } from "react";
import { useLoad } from "../api/use-load.ts";
import { Skeleton } from "../design/page.tsx";
import type { StackProps } from "./source.ts";

const ReleasePanels = lazy(async () => ({ default: (await import("./release-panels.tsx")).ReleasePanels }));

const EXECUTORS: ReadonlySet<string> = new Set(["deploy", "gate"]);

/** Renders what a release does to other stacks; nothing for other stacks. Releases are few, so their code is loaded on demand. */
export function ReleaseOnDemand({ source, stack }: StackProps) {
  const attempts = useLoad(source.key("attempts"), ({ signal }) => source.loadAttempts(signal));
  if (attempts.data?.some(({ executor = "" }) => EXECUTORS.has(executor)) !== true) return null;
  return (
    <Suspense fallback={<Skeleton height={160} />}>
      <ReleasePanels source={source} stack={stack} attempts={attempts.data ?? []} />
    </Suspense>
  );
}
