//! What a client asks for, and who is refused.

/// The longest head of a request that is read.
pub(in crate::report) const MAX_HEAD: usize = 8 << 10;

/// What is answered to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The page as it is now.
    Page,
    /// The script that keeps it up to date.
    Script,
    /// The changes, as they come.
    Events,
    /// Status and reason.
    Refused(&'static str, &'static str),
}

const NOT_FROM_HERE: Answer = Answer::Refused("403 Forbidden", REFUSAL);
const NOT_READ: Answer = Answer::Refused("400 Bad Request", "this is no request that can be read");
pub(super) const TOO_LONG: Answer =
    Answer::Refused("431 Request Header Fields Too Large", "the request's head is too long");

/// The end of the head of a request in `bytes`, once it is there.
pub(in crate::report) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// Why a request that does not come from here is refused.
pub(in crate::report) const REFUSAL: &str =
    "this page is for this machine alone: open the address that the command printed";

/// Whether a request to a server on `port` comes from this machine, by the values of its header fields, named in lower case.
///
/// A page of another site can make a browser send requests here, also under a name of its own that it has made point to this machine. So a
/// request has to name this machine, and may not come from another site's page. No answer allows such a page to read it.
pub(in crate::report) fn is_from_here<'a>(values: impl Fn(&str) -> Vec<&'a str>, port: u16) -> bool {
    let is_own = match values("host")[..] {
        [host] => {
            let from_here = match values("origin")[..] {
                [] => true,
                [origin] => origin.strip_prefix("http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host)),
                _ => false,
            };
            is_this_machine(host, port) && from_here
        }
        _ => false,
    };
    is_own && values("sec-fetch-site").iter().all(|site| ["same-origin", "none"].contains(site))
}

/// What is answered to the request with this head by a server on `port`, and whether without the content.
pub(super) fn answer(head: &[u8], port: u16) -> (Answer, bool) {
    let Some((method, target, fields)) = parse(head) else { return (NOT_READ, false) };
    let is_head = method == "HEAD";
    let values = |name: &str| {
        fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| *value).collect::<Vec<_>>()
    };
    if !is_from_here(values, port) {
        return (NOT_FROM_HERE, is_head);
    }
    if !["GET", "HEAD"].contains(&method) {
        return (Answer::Refused("405 Method Not Allowed", "this page can only be read"), is_head);
    }
    if !values("transfer-encoding").is_empty() || values("content-length").iter().any(|length| *length != "0") {
        return (NOT_READ, is_head);
    }
    let answer = match target.split('?').next() {
        Some("/") => Answer::Page,
        Some(crate::report::run_page::SCRIPT) => Answer::Script,
        Some("/events") => Answer::Events,
        _ => Answer::Refused("404 Not Found", "there is nothing here but the page, /"),
    };
    (answer, is_head)
}

fn is_this_machine(host: &str, port: u16) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| {
        let rest = host.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).map(|_| &host[name.len()..]);
        // Browsers leave out the usual port.
        rest.is_some_and(|rest| rest.strip_prefix(':') == Some(&*port.to_string()) || (rest.is_empty() && port == 80))
    })
}

/// Method, target and header fields.
pub(in crate::report) type Head<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>);

/// The head of a request; none if it is not to be read.
pub(in crate::report) fn parse(head: &[u8]) -> Option<Head<'_>> {
    let text = std::str::from_utf8(head).ok().filter(|text| text.is_ascii())?;
    let mut lines = text.strip_suffix("\r\n\r\n")?.split("\r\n");
    let is_printed = |text: &str| text.bytes().all(|byte| byte == b'\t' || (b' '..0x7f).contains(&byte));
    let mut words = lines.next().filter(|line| is_printed(line))?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    words.next().filter(|version| ["HTTP/1.1", "HTTP/1.0"].contains(version))?;
    let field = |line| {
        let (name, value) = str::split_once(line, ':')?;
        // A name with a space before the colon, or a folded line, is read by others in other ways.
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&byte));
        (is_name && is_printed(value)).then(|| (name, value.trim_matches([' ', '\t'])))
    };
    let fields = lines.map(field).collect::<Option<Vec<_>>>()?;
    (words.next().is_none() && !method.is_empty()).then_some((method, target, fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(request: &str) -> Answer {
        answer(request.replace('\n', "\r\n").as_bytes(), 8080).0
    }

    fn is_refused(request: &str, with: &str) {
        assert!(
            matches!(status(request), Answer::Refused(status, _) if status.starts_with(with)),
            "{request:?}: {:?}",
            status(request)
        );
    }

    #[test]
    fn this_machine_is_answered() {
        for host in ["127.0.0.1:8080", "localhost:8080", "LocalHost:8080", "[::1]:8080"] {
            assert_eq!(status(&format!("GET / HTTP/1.1\nHost: {host}\n\n")), Answer::Page, "{host}");
        }
        let own = "Host: 127.0.0.1:8080\nSec-Fetch-Site: same-origin\nOrigin: http://127.0.0.1:8080\n\n";
        assert_eq!(status(&format!("GET /events HTTP/1.1\n{own}")), Answer::Events);
        assert_eq!(status(&format!("GET /live.js?1 HTTP/1.0\n{own}")), Answer::Script);
        assert_eq!(status("GET / HTTP/1.1\nhost:\t localhost:8080 \nsec-fetch-site: none\n\n"), Answer::Page);
        assert_eq!(answer(b"HEAD / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", 8080), (Answer::Page, true));
        assert_eq!(answer(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 80).0, Answer::Page);
    }

    #[test]
    fn other_hosts_sites_and_methods_are_refused() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:80",
            "localhost:80800",
            "evil.example:8080",
            "127.0.0.1.evil.example:8080",
            "",
            ":8080",
            "0.0.0.0:8080",
            "[::1]",
            "localhost.:8080",
            "127.0.0.1:8080@evil.example",
            "127.0.0.1:08080",
        ] {
            is_refused(&format!("GET / HTTP/1.1\nHost: {host}\n\n"), "403");
        }
        is_refused("GET / HTTP/1.0\n\n", "403");
        is_refused("GET / HTTP/1.1\nHost: localhost:8080\nHost: evil.example\n\n", "403");
        let more = |field: &str| format!("GET /events HTTP/1.1\nHost: localhost:8080\n{field}\n\n");
        for field in [
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Site: same-site",
            "Sec-Fetch-Site: none\nSec-Fetch-Site: cross-site",
            "Origin: http://evil.example",
            "Origin: null",
            "Origin: https://localhost:8080",
            "Origin: http://localhost:3000",
        ] {
            is_refused(&more(field), "403");
        }
        for method in ["POST", "PUT", "OPTIONS", "DELETE", "get", "CONNECT"] {
            is_refused(&format!("{method} / HTTP/1.1\nHost: localhost:8080\n\n"), "405");
        }
        is_refused(&more("Content-Length: 5"), "400");
        is_refused(&more("Transfer-Encoding: chunked"), "400");
        for target in ["/report.html", "/../run.json", "//", "http://localhost:8080/", "*"] {
            is_refused(&format!("GET {target} HTTP/1.1\nHost: localhost:8080\n\n"), "404");
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for head in [
            "\n\n",
            "GET\n\n",
            "GET /\n\n",
            "GET / HTTP/2\n\n",
            "GET  / HTTP/1.1\n\n",
            "GET / HTTP/1.1 \n\n",
            "GET /\u{e9} HTTP/1.1\n\n",
            "GET / HTTP/1.1\nHost : localhost:8080\n\n",
            "GET / HTTP/1.1\n Host: localhost:8080\n\n",
            "GET / HTTP/1.1\nHost\n\n",
            "GET / HTTP/1.1\nHost: localhost:8080\0\n\n",
            "\u{16}\u{3}\u{1}\n\n",
        ] {
            is_refused(head, "400");
        }
        assert_eq!(answer(b"\xff\xfe", 8080).0, NOT_READ);
        assert_eq!(end_of_head(b"GET / HTTP/1.1\r\n\r"), None);
        assert_eq!(end_of_head(b"GET / HTTP/1.1\r\n\r\nrest"), Some(18));
    }
}
