import type { MainCondition } from "@stackyard/sdk";
import { type ConditionCounts, type MachineCounts, sumOf } from "../api/use-main-conditions.ts";
import { To, useGo } from "../design/links.tsx";
import { CONDITIONS, Mark, toneOf, wordOf } from "../design/mark.tsx";
import { YardBlocks } from "./yard-blocks.tsx";

interface CountsProps {
  readonly counts: ConditionCounts;
  /** The machines of the yard below: a block for each stack. Undefined: it is elsewhere. */
  readonly machines: readonly MachineCounts[] | undefined;
}

/** Renders how many stacks have which condition, as figures and as a bar, and the yard. */
export function CountsPanel({ counts, machines }: CountsProps) {
  const shown = CONDITIONS.filter((condition) => sumOf(counts, condition) > 0 || USUAL.has(condition));
  return (
    <section className="panel" aria-label="Stacks by condition">
      <ul className="overview-counts">
        {shown.map((condition) => (
          <Figure key={condition} condition={condition} count={sumOf(counts, condition)} />
        ))}
      </ul>
      <ConditionBar counts={counts} />
      {machines !== undefined && <YardBlocks machines={machines} />}
    </section>
  );
}

/** Conditions that are shown also without a stack, so that the figures keep their places. */
const USUAL: ReadonlySet<MainCondition> = new Set(["failed", "degraded", "overdue", "approval", "busy", "healthy"]);

function Figure({ condition, count }: { condition: MainCondition; count: number }) {
  return (
    <li className="overview-figure">
      <To path="/stacks" search={{ is: condition }}>
        <b className={count > 0 ? `tone-${toneOf(condition)}` : "muted"}>{count.toLocaleString("en")}</b>
        <Mark status={condition} />
      </To>
    </li>
  );
}

/**
 * Renders the shares of the conditions; each is a filter. The least is wide enough to be seen and pressed. The figures above
 * are the same links with words, so the keyboard and screen readers skip these.
 */
function ConditionBar({ counts }: { counts: ConditionCounts }) {
  const go = useGo();
  const parts = CONDITIONS.filter((condition) => sumOf(counts, condition) > 0);
  const label = parts.map((condition) => `${wordOf(condition)} ${sumOf(counts, condition)}`).join(", ");
  return (
    <div className="overview-bar" role="img" aria-label={label || "No stack"}>
      {parts.map((condition) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: the figures are the keyboard's way
        // biome-ignore lint/a11y/useKeyWithClickEvents: as above
        <span
          key={condition}
          className={`tone-${toneOf(condition)}`}
          style={{ flexGrow: sumOf(counts, condition) }}
          title={`${wordOf(condition)}: ${sumOf(counts, condition).toLocaleString("en")}`}
          onClick={() => go("/stacks", { is: condition })}
        />
      ))}
    </div>
  );
}
