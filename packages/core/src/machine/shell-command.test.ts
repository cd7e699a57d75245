import { expect, it } from "vitest";
import { toShellCommand } from "./shell-command.ts";

it("quotes each name as one word", () => {
  expect(toShellCommand`stackyard send ${"it's 7"} ${"GO"}`).toBe(`stackyard send 'it'\\''s 7' GO`);
});

it("puts `--` before names of which one begins with -", () => {
  expect(toShellCommand`stackyard stacks show ${"--force"}`).toBe("stackyard stacks show -- --force");
  expect(toShellCommand`stackyard send ${"pr-7"} ${"-x"}`).toBe("stackyard send -- pr-7 -x");
  expect(toShellCommand`stackyard stacks settle ${"-x y"} ${"app"} --reason WHY`).toBe(
    "stackyard stacks settle --reason WHY -- '-x y' app",
  );
  expect(toShellCommand`stackyard send ${"-x"} EVENT --machine ${"-m"}`).toBe(
    "stackyard send --machine -m -- -x EVENT",
  );
});

it("leaves other commands in the order that people write", () => {
  expect(toShellCommand`stackyard stacks remove ${"a"} --force --reason WHY`).toBe(
    "stackyard stacks remove a --force --reason WHY",
  );
  expect(toShellCommand`stackyard send ${"a"} EVENT --machine ${"-m"}`).toBe("stackyard send a EVENT --machine -m");
  expect(toShellCommand`stackyard artifacts coverage --artifact ${"-a@1"}`).toBe(
    "stackyard artifacts coverage --artifact -a@1",
  );
  expect(toShellCommand`stackyard jobs ls`).toBe("stackyard jobs ls");
});

it("takes options as a list, each of them one word", () => {
  const place = ["--region", "eu west"];

  expect(toShellCommand`stackyard asg halt ${"run"} ${place}`).toBe("stackyard asg halt run --region 'eu west'");
  expect(toShellCommand`stackyard asg halt ${"-r"} ${place}`).toBe("stackyard asg halt --region 'eu west' -- -r");
  expect(toShellCommand`stackyard asg halt ${"-r"} ${[]}`).toBe("stackyard asg halt -- -r");
});
