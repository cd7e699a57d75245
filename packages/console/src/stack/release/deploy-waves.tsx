import type { Deploy } from "@stackyard/sdk";
import { Mark, type Status, toneOf } from "../../design/mark.tsx";
import { Text } from "../../design/text.tsx";
import { toSafeText } from "../../text/safe-text.ts";
import { countArrived, countDeploy, type WaveCounts } from "./deploy-counts.ts";
import { countPerBlock, toWaveBlocks, WAVE_PARTS, type WavePart } from "./wave-blocks.ts";

const LOOKS: Readonly<Record<WavePart, readonly [Status, string]>> = {
  done: ["succeeded", "done"],
  unchanged: ["quiet", "unchanged"],
  skipped: ["skipped", "skipped"],
  failed: ["failed", "failed"],
  sent: ["running", "on their way"],
  waiting: ["queued", "waiting"],
  unsent: ["cancelled", "not sent"],
  undone: ["skipped", "undone"],
};

/** Renders how many stacks of all waves are how far, and so what the colors of their blocks mean. */
export function DeployLegend({ deploy }: { deploy: Deploy }) {
  const { total } = countDeploy(deploy);
  return (
    <span className="deploy-counts">
      {WAVE_PARTS.filter((part) => total[part] > 0).map((part) => (
        <Mark key={part} status={LOOKS[part][0]} word={`${total[part].toLocaleString("en")} ${LOOKS[part][1]}`} />
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
              {countPerBlock(counts) > 1 && `, a block is ${countPerBlock(counts)} stacks and shows the worst`}
            </span>
          </span>
          <WaveBar name={name} counts={counts} />
        </li>
      ))}
    </ol>
  );
}

function WaveBar({ name, counts }: { name: string; counts: WaveCounts }) {
  const parts = WAVE_PARTS.filter((part) => counts[part] > 0);
  const words = parts.map((part) => `${counts[part]} ${LOOKS[part][1]}`).join(", ");
  const label = toSafeText(`${name}: ${words || "no stack"}`);
  return (
    <span className="deploy-bar" role="img" aria-label={label} title={label}>
      {toWaveBlocks(counts).map((part, place) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: a block is its place
          key={place}
          className={part === "unsent" || part === "waiting" ? "soft" : `tone-${toneOf(LOOKS[part][0])}`}
        />
      ))}
    </span>
  );
}
