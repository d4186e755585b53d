use proptest::prelude::*;

use super::*;

/// First and last address of each block, then the neighbours below and above that are public.
const BLOCKS: &[(&str, &str, &str, &str)] = &[
    ("0.0.0.0", "0.255.255.255", "", "1.0.0.0"),
    ("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
    ("100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"),
    ("127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"),
    ("169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"),
    ("172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"),
    ("192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"),
    ("192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"),
    ("192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"),
    ("192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"),
    ("198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"),
    ("198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"),
    ("203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"),
    ("224.0.0.0", "239.255.255.255", "223.255.255.255", ""),
    ("240.0.0.0", "255.255.255.255", "", ""),
    ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "2000::"),
    ("::1", "::1", "", ""),
    ("::ffff:0:0", "::ffff:255.255.255.255", "", ""),
    ("64:ff9b::", "64:ff9b::ffff:ffff", "", ""),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "", ""),
    ("100::", "100::ffff:ffff:ffff:ffff", "", ""),
    (
        "2001::",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:200::",
    ),
    (
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
    ),
    (
        "2002::",
        "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2003::",
    ),
    (
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff:1000::",
    ),
    (
        "4000::",
        "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "",
    ),
    ("8000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", ""),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", ""),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", ""),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", ""),
];

#[test]
fn each_block_is_denied_to_its_ends_and_no_further() {
    let address = |text: &str| text.parse::<IpAddr>().expect(text);
    for (first, last, below, above) in BLOCKS {
        assert!(is_denied(address(first)) && is_denied(address(last)), "{first} to {last}");
        for public in [below, above].into_iter().filter(|text| !text.is_empty()) {
            assert!(!is_denied(address(public)), "{public}");
        }
    }
    // Each row of the table is one of the blocks.
    for (block, _) in DENIED_V4 {
        assert!(BLOCKS.iter().any(|(first, ..)| address(first) == IpAddr::V4(*block)), "{block}");
    }
    for (block, _) in DENIED_V6 {
        assert!(BLOCKS.iter().any(|(first, ..)| address(first) == IpAddr::V6(*block)), "{block}");
    }
    assert!(BLOCKS.len() >= DENIED_V4.len() + DENIED_V6.len());
}

#[derive(serde::Deserialize)]
struct Case {
    id: String,
    url: String,
    expect: String,
}

/// IN-07: what a URL can hide by its form.
#[test]
fn the_corpus_of_urls_gets_its_answers() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../data/urls.json")).expect("corpus");
    assert!(cases.iter().filter(|case| case.expect != "accepted").count() >= 50);
    let mut guard = Guard::default();
    for (origin, reach) in [
        ("http://127.7.7.7:12111", Reach::Private),
        ("http://inside.example:12111", Reach::Private),
        ("https://proxy.example:8443", Reach::Public),
    ] {
        guard.list(&Url::parse(origin).expect("URL"), reach);
    }
    for Case { id, url, expect } in cases {
        let outcome = match Url::parse(&url) {
            Err(_) => "no_url".to_owned(),
            Ok(url) => match guard.check_url(&url) {
                Ok(()) => "accepted".to_owned(),
                Err(refusal) => format!("{refusal:?}").to_lowercase(),
            },
        };
        assert_eq!(outcome, expect, "{id}: {url}");
    }
}

#[test]
fn a_host_that_an_operator_named_may_be_private_but_not_link_local() {
    let mut guard = Guard::default();
    guard.list(&Url::parse("https://inside.example").expect("URL"), Reach::Private);
    guard.list(&Url::parse("https://outside.example").expect("URL"), Reach::Public);
    let check = |host: &str, address: &str| {
        guard.check_address(host, address.parse().expect(address)).is_ok()
    };
    for address in ["10.1.2.3", "127.0.0.1", "192.168.0.1", "100.64.0.1", "::1", "fd00::1"] {
        assert!(check("inside.example", address), "{address}");
        assert!(!check("outside.example", address), "{address}");
        assert!(!check("other.example", address), "{address}");
    }
    for address in ["169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "::ffff:127.0.0.1"] {
        assert!(!check("inside.example", address), "{address}");
    }
}

proptest! {
    /// However an IPv4 address is written, `url` makes the same address of it, and so do we.
    #[test]
    fn the_form_of_an_address_does_not_matter(bits: u32, form in 0..6_u8) {
        let address = Ipv4Addr::from_bits(bits);
        let [a, b, c, d] = address.octets();
        let host = match form {
            0 => address.to_string(),
            1 => bits.to_string(),
            2 => format!("0x{bits:x}"),
            3 => format!("0{bits:o}"),
            4 => format!("0{a:o}.0x{b:x}.{}", u32::from(c) << 8 | u32::from(d)),
            _ => format!("{a}.{}", bits & 0x00ff_ffff),
        };
        let url = Url::parse(&format!("https://{host}/")).expect("URL");
        let expected = if is_denied(address.into()) { Err(Refusal::Address) } else { Ok(()) };
        prop_assert_eq!(Guard::default().check_url(&url), expected);
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_one_is_denied(bits: u32) {
        let v4 = Ipv4Addr::from_bits(bits);
        let [high, low] = [(bits >> 16) as u16, (bits & 0xffff) as u16];
        for v6 in [
            v4.to_ipv6_mapped(),
            v4.to_ipv6_compatible(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        ] {
            prop_assert!(is_denied(v6.into()), "{}", v6);
        }
    }
}
