import { useEffect } from "react";
import { NEEDS_PERSON, needyOf, sumOf, useMainConditions } from "../api/use-main-conditions.ts";

/** The state of the yard that the mark shows. */
type YardState = "quiet" | "busy" | "failed";

/** The color of the mark's upper block: the one that is seen at 16 px. Not tokens: a favicon has no page. */
const BLOCKS: Readonly<Record<YardState, string>> = { quiet: "#cfd6de", busy: "#4b8dee", failed: "#ef5a4e" };

const BASE = '<rect width="32" height="32" rx="7" fill="#161b22"/>';
const STACK =
  '<rect x="6" y="18" width="9" height="8" rx="1.5" fill="#fff"/><rect x="17" y="18" width="9" height="8" rx="1.5" fill="#fff"/>';

/** Returns the drawing of the mark: a yard with three blocks, one of them in the color of what happens. */
function toMarkSvg(state: YardState): string {
  const isFailed = state === "failed";
  const [x, y] = isFailed ? [13, 5] : [11.5, 7];
  const turn = isFailed ? ' transform="rotate(12 17 9)"' : "";
  const block = `<rect x="${x}" y="${y}" width="9" height="9" rx="1.5" fill="${BLOCKS[state]}"${turn}/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${BASE}${block}${STACK}</svg>`;
}

/** Returns what the mark shows; `quiet` while it is unknown. */
function useYardState(): YardState {
  const { counts } = useMainConditions();
  if (counts === undefined) return "quiet";
  if (needyOf(counts, ...NEEDS_PERSON.slice(0, -1)) > 0) return "failed";
  return sumOf(counts, "busy") > 0 ? "busy" : "quiet";
}

/** Shows the state of the yard in the tab of the browser. */
export function useFavicon(): void {
  const state = useYardState();
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (link !== null) link.href = `data:image/svg+xml,${encodeURIComponent(toMarkSvg(state))}`;
  }, [state]);
}

/** Renders the product's mark, with the state of the yard. */
export function ProductMark() {
  return <MarkDrawing state={useYardState()} size={24} />;
}

/** Renders the mark. */
export function MarkDrawing({ state, size }: { readonly state: YardState; readonly size: number }) {
  const isFailed = state === "failed";
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#161b22" stroke="var(--line)" />
      <rect
        x={isFailed ? 13 : 11.5}
        y={isFailed ? 5 : 7}
        width="9"
        height="9"
        rx="1.5"
        fill={BLOCKS[state]}
        {...(isFailed && { transform: "rotate(12 17 9)" })}
      />
      <rect x="6" y="18" width="9" height="8" rx="1.5" fill="#fff" />
      <rect x="17" y="18" width="9" height="8" rx="1.5" fill="#fff" />
    </svg>
  );
}
