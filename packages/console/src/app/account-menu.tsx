import { keepStart } from "@stackyard/core";
import { useMe } from "../api/access.ts";
import { Button } from "../design/button.tsx";
import { Icon } from "../design/icon.tsx";
import { To } from "../design/links.tsx";
import { Menu } from "../design/menu.tsx";
import { changeSettings, useSettings } from "../design/settings.ts";
import { toSafeText } from "../text/safe-text.ts";

const THEMES = ["system", "light", "dark"] as const;
const THEME_WORDS = { system: "Auto", light: "Light", dark: "Dark" } as const;

/** Renders who is signed in, with the person's choices: zone, scheme, rows, keys. */
export function AccountMenu({ onHelp }: { onHelp: () => void }) {
  const { data: me } = useMe();
  const { zone, theme, rows } = useSettings();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  const name = toSafeText(me?.name ?? "");
  const face = (
    <>
      <span className="avatar" aria-hidden="true">
        {keepStart(name, 2) || "–"}
      </span>
      <span className="account-name">{name}</span>
      <Icon name="unfold" size={14} />
    </>
  );
  return (
    <Menu label={`Account and settings${name === "" ? "" : `, ${name}`}`} className="account" face={face}>
      {me !== undefined && (
        <p className="wrap">
          Signed in as {name}
          {me.yard !== undefined && ` at ${me.yard}`}
        </p>
      )}
      <Button
        look="plain"
        label={`Times in ${zone === "utc" ? "UTC" : "local time"}; change`}
        onPress={() => changeSettings({ zone: zone === "utc" ? "local" : "utc" })}
      >
        Times <span className="muted">{zone === "utc" ? "UTC" : "Local"}</span>
      </Button>
      <Button look="plain" label={`Theme: ${theme}; change to ${next}`} onPress={() => changeSettings({ theme: next })}>
        Theme <span className="muted">{THEME_WORDS[theme]}</span>
      </Button>
      <Button
        look="plain"
        label={`Rows: ${rows}; change`}
        onPress={() => changeSettings({ rows: rows === "normal" ? "compact" : "normal" })}
      >
        Rows <span className="muted">{rows === "normal" ? "Normal" : "Compact"}</span>
      </Button>
      <Button look="plain" label="Keyboard shortcuts" onPress={onHelp}>
        Keys <kbd>?</kbd>
      </Button>
      <To path="/access">Your access</To>
      {me?.docs === true && <a href="/docs/">Documentation</a>}
      {me?.via === "cookie" && (
        <form method="post" action="/auth/logout">
          <Button type="submit" look="plain">
            Sign out
          </Button>
        </form>
      )}
    </Menu>
  );
}
