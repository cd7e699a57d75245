import type { ReactNode } from "react";
import { useMedia } from "./use-media.ts";
import "./beside.css";

/** A detail with the list that it belongs to at its side, where there is room for both. */
export function Beside({ label, list, children }: BesideProps) {
  const hasRoom = useMedia("(min-width: 1200px)");
  return (
    <div className={hasRoom ? "beside" : undefined}>
      {hasRoom && (
        <aside className="panel" aria-label={label}>
          {list}
        </aside>
      )}
      <div className="beside-detail">{children}</div>
    </div>
  );
}

interface BesideProps {
  /** What the list contains, for screen readers. */
  readonly label: string;
  /** Laid out, and loaded, only where it is shown. */
  readonly list: ReactNode;
  readonly children: ReactNode;
}
