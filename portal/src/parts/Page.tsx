import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import ContentLayout from "@cloudscape-design/components/content-layout";
import LiveRegion from "@cloudscape-design/components/live-region";
import { useEffect, type ReactNode } from "react";

interface Props {
  readonly title: string;
  readonly trail: readonly { readonly text: string; readonly href: string }[];
  readonly header?: ReactNode;
  readonly children: ReactNode;
}

/** A page's title, which screen readers are told too, and where it is. */
export function Page({ title, trail, header, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Earshot`;
  }, [title]);
  return (
    <ContentLayout breadcrumbs={<BreadcrumbGroup items={[...trail, { text: title, href: "" }]} ariaLabel="Where this page is" />} header={header}>
      <LiveRegion hidden>{title}</LiveRegion>
      {children}
    </ContentLayout>
  );
}
