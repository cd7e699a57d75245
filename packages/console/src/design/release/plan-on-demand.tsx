import { lazy, Suspense } from "react";
import { Skeleton } from "../page.tsx";
import type { PlanPanelProps } from "./plan-panel.tsx";

const PlanPanel = lazy(async () => ({ default: (await import("./plan-panel.tsx")).PlanPanel }));

/** Renders a plan, whose code is loaded when there is one to show: few stacks are releases. */
export function PlanOnDemand(props: PlanPanelProps) {
  return (
    <Suspense fallback={<Skeleton height={160} />}>
      <PlanPanel {...props} />
    </Suspense>
  );
}
