import { defined } from "@stackyard/core";
import { Button } from "./button.tsx";
import { useToast } from "./toasts.tsx";

/** Copies a text, and says whether the browser did: it may refuse, and on pages without HTTPS it always does. */
export function CopyButton({ text, label, look }: { text: string; label?: string; look?: "plain" }) {
  const toast = useToast();
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied");
    } catch {
      toast("The browser does not let this page copy. Select the text, and copy it by the keyboard.", "fail");
    }
  }
  return (
    <Button onPress={() => void copy()} {...defined({ label, look })}>
      Copy
    </Button>
  );
}

/** Renders a command of the terminal with a button that copies it. */
export function Command({ text }: { text: string }) {
  return (
    <span className="command">
      <code>{text}</code>
      <CopyButton text={text} label={`Copy ${text}`} look="plain" />
    </span>
  );
}
