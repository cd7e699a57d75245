import { expect, it } from "vitest";
import { render } from "vitest-browser-react";
import { serverNow } from "../text/server-clock.ts";
import "./base.css";
import { Ago, Day } from "./text.tsx";

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

it("says an instant to the minute, and its seconds on hover", async () => {
  const screen = await render(
    <main>
      <Day at="2020-01-02T08:00:07Z" /> <Day at="2020-01-02T08:00:07Z" short />
    </main>,
  );

  const [day, clock] = screen.container.querySelectorAll("time");
  expect(day?.textContent).toMatch(/^(Wed|Thu|Fri) \d Jan 2020 \d\d:\d\d \S+$/);
  expect(clock?.textContent).toMatch(/^\d\d:\d\d$/);
  expect([day, clock].map((time) => time?.title)).toEqual([
    expect.stringContaining("2020-01-02 08:00:07 UTC"),
    expect.stringContaining("2020-01-02 08:00:07 UTC"),
  ]);
});
