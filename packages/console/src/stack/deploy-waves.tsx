import type { Deploy } from "@stackyard/sdk";
import { Mark, type Status, toneOf } from "../design/mark.tsx";
import { Text } from "../design/text.tsx";
import { toSafeText } from "../text/safe-text.ts";
import { countArrived, countDeploy, type WaveCounts } from "./deploy-counts.ts";

/** How far stacks are, in the order of the bar. */
const PARTS = [
  ["done", "succeeded", "done"],
  ["unchanged", "quiet", "unchanged"],
  ["skipped", "skipped", "skipped"],
  ["failed", "failed", "failed"],
  ["sent", "running", "on their way"],
  ["waiting", "queued", "waiting"],
  ["unsent", "cancelled", "not sent"],
  ["undone", "skipped", "undone"],
] as const satisfies readonly (readonly [keyof WaveCounts, Status, string])[];

/** Renders how many stacks of all waves are how far, and so what the colors of their blocks mean. */
export function DeployLegend({ deploy }: { deploy: Deploy }) {
  const { total } = countDeploy(deploy);
  return (
    <span className="deploy-counts">
      {PARTS.filter(([part]) => total[part] > 0).map(([part, status, word]) => (
        <Mark key={part} status={status} word={`${total[part].toLocaleString("en")} ${word}`} />
      ))}
    </span>
  );
}

/** Renders the waves side by side, each as wide as it has stacks. */
export function DeployWaves({ deploy }: { deploy: Deploy }) {
  return (
    <ol className="deploy-waves">
      {deploy.waves.map(({ name, stacks, counts }) => (
        <li key={name} style={{ flexGrow: stacks }}>
          <span className="deploy-wave">
            <b>
              <Text>{name}</Text>
            </b>{" "}
            <span className="muted">
              {countArrived(counts).toLocaleString("en")} of {stacks.toLocaleString("en")}
            </span>
          </span>
          <WaveBar name={name} counts={counts} />
        </li>
      ))}
    </ol>
  );
}

/** Up to so many stacks, each is a block. */
const MOST_BLOCKS = 60;

function WaveBar({ name, counts }: { name: string; counts: WaveCounts }) {
  const parts = PARTS.filter(([part]) => counts[part] > 0);
  const stacks = parts.reduce((sum, [part]) => sum + counts[part], 0);
  const label = toSafeText(
    `${name}: ${parts.map(([part, _, word]) => `${counts[part]} ${word}`).join(", ") || "no stack"}`,
  );
  return (
    <span className="deploy-bar" role="img" aria-label={label} title={label}>
      {parts.flatMap(([part, status]) => {
        const blocks = stacks > MOST_BLOCKS ? 1 : counts[part];
        return Array.from({ length: blocks }, (_, place) => `${part} ${place}`).map((key) => (
          <span
            key={key}
            className={part === "unsent" || part === "waiting" ? "soft" : `tone-${toneOf(status)}`}
            style={{ flexGrow: counts[part] / blocks }}
          />
        ));
      })}
    </span>
  );
}
