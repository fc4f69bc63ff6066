import { applyMode, Mode } from "@cloudscape-design/global-styles";

export type Appearance = "system" | "light" | "dark";

const kept = "earshot.appearance";

export function appearance(): Appearance {
  const found = localStorage.getItem(kept);
  return found === "light" || found === "dark" ? found : "system";
}

export function setAppearance(chosen: Appearance): void {
  if (chosen === "system") localStorage.removeItem(kept);
  else localStorage.setItem(kept, chosen);
  show();
}

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function show(): void {
  const chosen = appearance();
  const isDark = chosen === "dark" || (chosen === "system" && systemIsDark.matches);
  applyMode(isDark ? Mode.Dark : Mode.Light);
  document.documentElement.style.colorScheme = isDark ? "dark" : "light";
}

/** Shows the portal in light or dark, as the admin has chosen, or else the system. */
export function startTheme(): void {
  systemIsDark.addEventListener("change", show);
  show();
}
