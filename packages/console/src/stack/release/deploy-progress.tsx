import type { Deploy } from "@stackyard/sdk";
import type { ReactNode } from "react";
import { Ago, Day, Text, useNow } from "../../design/text.tsx";
import { toSafeText } from "../../text/safe-text.ts";
import { countDeploy, findBudget, findPause } from "./deploy-counts.ts";
import { HEIGHT, toProgressDrawing, WIDTH } from "./progress-steps.ts";

/** Renders how a deployment has come so far over time, and what it may still use: failures, places, time. */
export function DeployProgress({ deploy }: { deploy: Deploy }) {
  const now = useNow(10_000);
  return (
    <>
      <Curve deploy={deploy} now={now} />
      <dl className="deploy-facts">
        <Budget deploy={deploy} />
        <Pause deploy={deploy} now={now} />
        <Places deploy={deploy} />
      </dl>
    </>
  );
}

interface PartProps {
  readonly deploy: Deploy;
  readonly now: number;
}

function Curve({ deploy, now }: PartProps) {
  const drawing = toProgressDrawing(deploy, now);
  if (drawing === undefined) return null;
  const { arrived, failed, pauses, from, to } = drawing;
  const { stacks, arrived: count, failed: failures } = countDeploy(deploy);
  const at = deploy.endedAt === undefined ? "now" : "at its end";
  const reached = `${count.toLocaleString("en")} of ${stacks.toLocaleString("en")} arrived ${at}`;
  const lost = failures > 0 ? `, ${failures.toLocaleString("en")} failed` : "";
  return (
    <figure className="deploy-curve">
      <svg
        role="img"
        aria-label={toSafeText(`Stacks of ${deploy.task} over time: ${reached}${lost}`)}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        height={HEIGHT}
      >
        {pauses.map(({ wave, x, width }) => (
          <rect key={wave} className="deploy-pause" x={x} y={0} width={width} height={HEIGHT}>
            <title>{toSafeText(`Pause after ${wave}`)}</title>
          </rect>
        ))}
        <path className="deploy-area tone-ok" d={`${arrived}V${HEIGHT}H0Z`} />
        <path className="deploy-steps tone-ok" d={arrived} />
        {failed !== "" && <path className="deploy-steps tone-fail" d={failed} />}
      </svg>
      <figcaption>
        <Day at={new Date(from).toISOString()} short />
        {pauses.length > 0 && <Text>{`grey: the pause after ${pauses.map(({ wave }) => wave).join(", ")}`}</Text>}
        <span>
          {reached} {deploy.endedAt !== undefined && <Day at={new Date(to).toISOString()} short />}
        </span>
      </figcaption>
    </figure>
  );
}

function Fact({ name, children }: { name: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** More failures than that are not drawn one by one. */
const MOST_CELLS = 20;

function Budget({ deploy }: Pick<PartProps, "deploy">) {
  const budget = findBudget(deploy);
  if (budget === undefined) return null;
  const { wave, allowed, used } = budget;
  const cells = Math.min(MOST_CELLS, Math.max(allowed, used, 1));
  const share = (cells * used) / Math.max(allowed, used, 1);
  const name = deploy.waves.length === 1 ? "Failures allowed" : `Failures allowed in ${wave}`;
  const words = `${used.toLocaleString("en")} of ${allowed.toLocaleString("en")}`;
  return (
    <Fact name={<Text>{name}</Text>}>
      <span className="deploy-budget" role="img" aria-label={`${words} used`}>
        {Array.from({ length: cells }, (_, place) => place).map((place) => (
          <span key={place} className={place < share ? "tone-fail" : "soft"} />
        ))}
      </span>
      {allowed === 0 && used === 0 ? (
        "None: the first failure stops the wave"
      ) : (
        <>
          <b>{words}</b> used{used > allowed ? ": nothing more is sent" : `; failure ${allowed + 1} stops the wave`}
        </>
      )}
    </Fact>
  );
}

function Pause({ deploy, now }: PartProps) {
  const pause = findPause(deploy, now);
  if (pause === undefined) return null;
  return (
    <Fact name="Pause">
      after <Text>{pause.wave}</Text>, ends <Ago at={pause.to} /> (<Day at={pause.to} />)
    </Fact>
  );
}

function Places({ deploy }: Pick<PartProps, "deploy">) {
  if (deploy.concurrency === undefined || deploy.endedAt !== undefined) return null;
  return (
    <Fact name="At the same time">
      <b>{countDeploy(deploy).sent.toLocaleString("en")}</b> of at most {deploy.concurrency.toLocaleString("en")}
    </Fact>
  );
}
