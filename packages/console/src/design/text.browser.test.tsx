import { expect, it } from "vitest";
import { render } from "vitest-browser-react";
import { serverNow } from "../text/server-clock.ts";
import "./base.css";
import { Ago } from "./text.tsx";

const inSeconds = (seconds: number) => new Date(serverNow() + seconds * 1_000).toISOString();

it("never says of what has just happened that it will (origin-web-console#2175, origin-web-console#2754)", async () => {
  const screen = await render(
    <main>
      <Ago at={inSeconds(0.9)} /> <Ago at={inSeconds(3_601)} />
    </main>,
  );

  await expect.element(screen.getByText("0s ago")).toBeVisible();
  await expect.element(screen.getByText("in 1h")).toBeVisible();
});
