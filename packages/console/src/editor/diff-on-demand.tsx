import { lazy, Suspense } from "react";
import { Skeleton } from "../design/page.tsx";
import type { DiffPanelProps } from "./diff-panel.tsx";

const DiffPanel = lazy(async () => ({ default: (await import("./diff-panel.tsx")).DiffPanel }));

/** Renders a comparison of texts, whose code is loaded when there is one to show. */
export function DiffOnDemand(props: DiffPanelProps) {
  return (
    <Suspense fallback={<Skeleton height={160} />}>
      <DiffPanel {...props} />
    </Suspense>
  );
}
