/// Passwords of twelve characters and more that everybody tries first.
///
/// What is long enough in Django's list of 20,000 (from Have I Been Pwned, Royce Williams) and in zxcvbn's (Xato), and
/// what people make of the words at hand. All in small letters, as they are compared.
enum CommonPasswords {
    /// Whether it is one of them, whatever the case of its letters.
    static func contains(_ password: String) -> Bool { all.contains(password.lowercased()) }

    private static let all = Set(text.split(whereSeparator: \.isWhitespace).map(String.init))

    private static let text = """
        000000000000 010203040506 012345678910 014702580369 01telemike01 0r968ji9ufj6 102030405060 111111111111
        111111111111111 1111111111zz 111222333000 111222333444555 111222tianya 112233445566 122333444455555
        123123123123 123123qweqwe 123321123321 123321456654 123321qweewq 123456123456 123456654321 123456782000
        1234567887654321 1234567890-= 123456789000 12345678900987654321 1234567890123 12345678901234567890
        1234567890987654321 1234567890qaz 1234567890qw 1234567890qwe 1234567890qwerty 1234567890qwertyuiop
        1234567890zzz 123456789101 1234567891011 123456789101112 123456789123 123456789123456 1234567891234567
        123456789123456789 1234567892000 12345678987654321 123456789987654321 123456789abc 123456789asd 123456789qaz
        123456789qqq 123456789qwe 123456789qwer 123456789qwerty 123456789zxc 1234567qwertyu 123456qwerty 1234qwerasdf
        1234qwerasdfzxcv 123admin321a 123qwe123qwe 123qwe456rty 123qweasdzxc 123qwerty123 12qw34er56ty 159753159753
        159753456852 1a2s3d4f5g6h 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1q2w3e4r5t6y7u8i 1q2w3e4r5t6y7u8i9o 1q2w3e4r5t6y7u8i9o0p
        1qa2ws3ed4rf 1qa2ws3ed4rf5tg 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qazxsw23edc 1qazxsw23edcvfr4 23176djivanfros
        31217221027711 32615948worms 41d8cd98f00b 4815162342lost 520love101182 541233432442 5532361cnjqrf
        59382113kevinp 742617000027 89231243658s 89876065093rax ??????@mail.ru a1s2d3f4g5h6 abc123456789
        abcdefghijklmnop abcdefghijklmnopqrstuvwxyz admin1234567 admin12345678 admin123456789 admin1234567890
        admin18533362 adminadminadmin administrateur administrator administrator! administrator1 administrator1!
        administrator123 administrator123! administrator1234 administrator12345 administrator123456
        administrator1234567 administrator12345678 administrator123456789 administrator1234567890 administrator2020
        administrator2021 administrator2022 administrator2023 administrator2024 administrator2024! administrator2025
        administrator2025! administrator2026 administrator2026! administrator2027 amadeusptfcor an83546921an13
        andrewjackie antananarivu arabella24630 asdfgh123456 asdfghjkl123 asdfghjkl:&#39: auckland2010 autumn123456
        autumn1234567 autumn12345678 autumn123456789 autumn1234567890 avrillavigne baseball123! baseball1234
        baseball12345 baseball123456 baseball1234567 baseball12345678 baseball123456789 baseball1234567890
        baseball2020 baseball2021 baseball2022 baseball2023 baseball2024 baseball2024! baseball2025 baseball2025!
        baseball2026 baseball2026! baseball2027 bltynbabrfwbz boy4u2ownnyc bpgjldsgjldthnf businessbabe changeme123!
        changeme1234 changeme12345 changeme123456 changeme1234567 changeme12345678 changeme123456789
        changeme1234567890 changeme2020 changeme2021 changeme2022 changeme2023 changeme2024 changeme2024! changeme2025
        changeme2025! changeme2026 changeme2026! changeme2027 changemechangeme changethispassword chickenwing101
        christopher1 cjdthitycndj combat123654 company12345 company123456 company1234567 company12345678
        company123456789 company1234567890 company2024! company2025! company2026! contortionist cookiemonster
        corperfmonsy correcthorsebatterystaple correcthorsebatterystaple cosmopolitan counterstrike debian123456
        debian1234567 debian12345678 debian123456789 debian1234567890 defaultpassword demon1q2w3e4r demon1q2w3e4r5t
        devilmaycry4 dfg5fhg5vgfh1 digitalprodu dkflbvbhjdbx dkflbvbhjdyf domainlock2005 doomsayer.2.7mords.v
        doomsayer.2.7mords.vv dragon123456 dragon1234567 dragon12345678 dragon123456789 dragon1234567890 edwardcullen
        ezekiel11991 fallen_angel familiyafamiliya fettle123456 fettle1234567 fettle12345678 fettle123456789
        fettle1234567890 fettlefettle fettlefettlefettle finalfantasy fkmnthyfnbdf fktrcfylhjdbx fktrcfylhjdf
        fktrcfylhjdyf flvbybcnhfnjh football123! football1234 football12345 football123456 football1234567
        football12345678 football123456789 football1234567890 football2020 football2021 football2022 football2023
        football2024 football2024! football2025 football2025! football2026 football2026! football2027 frederiksberg
        fucktheworld fuckyoubitch fynfyfyfhbde g13916055158 gettherefast gfhjkmgfhjkm ghbdtnghbdtn ghbdtnrfrltkf
        ghhh47hj7649 ghjcnjgbpltw ghjcnjgfhjkm ghjcnjghjcnj ghjcnjqgfhjkm ghjcnjrdfibyj ghjnbdjcnjzybt gjkysqgbpltw
        googletester greenlantern gtnhjpfdjlcr hannahmontana hawkesbury93 hd764nw5d7e1vb1 hedimaptfcor heterosexual
        iampurehaha2 ichliebedich ihatepasswords ihatethisgame iloveboobies ilovemyfamily iloveyou123! iloveyou1234
        iloveyou12345 iloveyou123456 iloveyou1234567 iloveyou12345678 iloveyou123456789 iloveyou1234567890
        iloveyou2020 iloveyou2021 iloveyou2022 iloveyou2023 iloveyou2024 iloveyou2024! iloveyou2025 iloveyou2025!
        iloveyou2026 iloveyou2026! iloveyou2027 iloveyouforever imyaimyaimya inactive1996aug ingodwetrust installdevic
        installsqlst international internazionale iseedeadpeople jamesbond007 jesuslovesme jkiuztdftl57
        john!20130605at1753 jundian2011xr justinbieber kartoffelpuffer knackwurst8853 laurel12creek leavemealone
        leliane50934 letmein12345 letmein123456 letmein1234567 letmein12345678 letmein123456789 letmein1234567890
        letmein2024! letmein2025! letmein2026! letmeinplease lhbjkjubz2957704 lightpower12345 linkedin2011
        linux1234567 linux12345678 linux123456789 linux1234567890 liverpool123 lost4815162342 lovelovelove
        lydcc20091314 lytghjgtnhjdcr m01759766727 mailcreated5240 manchesterunited maprchem56458 marek14michal
        massimiliano master123456 master1234567 master12345678 master123456789 master1234567890 masterbaiting
        masterbating masturbation maurolarastefy mega_pizdetz666 megaparol12345 mevefalkcakk michaeljackson
        migrationschool minecraft123 minnesota_hp moderncombat momsanaladventure monkey123456 monkey1234567
        monkey12345678 monkey123456789 monkey1234567890 morganstanley mortalkombat motherfucker msorcloledbr
        mypasswordis mysecretpassword n8zgt5p0shw= natiichen999 needforspeed nemvxyheqdd5oqxyxyzi networkingpe
        neworleans12345 newproject2004 nhecsyfujkjdt nhfdvfnjkju123 nhfycajhvths nightcrawler nondriversig
        nopasswordneeded olcrackmaster onedirection ontheoutside opensesame123 p030710p$e4o p@ssw0rd1234 p@ssw0rd12345
        p@ssw0rd2024 p@ssw0rd2025 p@ssw0rd2026 p@ssword1234 paraklast1974 passw0rd1234 passw0rd12345 password123!
        password1234 password12345 password123456 password1234567 password12345678 password123456789
        password1234567890 password2020 password2021 password2022 password2023 password2024 password2024! password2025
        password2025! password2026 password2026! password2027 passwordpassword passwordstandard passwort123!
        passwort1234 passwort12345 passwort123456 passwort1234567 passwort12345678 passwort123456789
        passwort1234567890 passwort2020 passwort2021 passwort2022 passwort2023 passwort2024 passwort2024! passwort2025
        passwort2025! passwort2026 passwort2026! passwort2027 patchmanagement patchtuesday1 pe#5gz29ptzmse
        peanutbutter playstation2 playstation3 polniypizdec0211 polniypizdec1102 polniypizdec110211 pornographic
        professional projectsadminx przyjaciolki ptybnxtvgbjy punksnotdead q1w2e3r4t5y6 q1w2e3r4t5y6u7
        q1w2e3r4t5y6u7i8 q1w2e3r4t5y6u7i8o9p0 qawsedrftgyh qaz123wsx456 qazwsxedc123 qazwsxedcrfv qazwsxedcrfvtgb
        qazxswedc123 qazxswedcvfr qwaszxerdfcv qwe123qwe123 qweasdzxc123 qwegta13091990 qwerasdfzxcv qwertasdfgzxcvb
        qwerty123456 qwerty123456789 qwertyasdfgh qwertyqwerty qwertyuiop1! qwertyuiop10 qwertyuiop12 qwertyuiop123
        qwertyuiop123! qwertyuiop1234 qwertyuiop12345 qwertyuiop123456 qwertyuiop1234567 qwertyuiop12345678
        qwertyuiop123456789 qwertyuiop1234567890 qwertyuiop2020 qwertyuiop2021 qwertyuiop2022 qwertyuiop2023
        qwertyuiop2024 qwertyuiop2024! qwertyuiop2025 qwertyuiop2025! qwertyuiop2026 qwertyuiop2026! qwertyuiop2027
        qwertyuiop[] qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qwertyytrewq residentevil rfnthbyf1988
        root12345678 root123456789 root1234567890 s8ylpe9jdpvym sanfrancisco saun24865709 schoolgirlie
        sdf7asdf6asdg8df sebastian106 secret123456 secret1234567 secret12345678 secret123456789 secret1234567890
        seemnemaailm seniseviyorum server123456 server1234567 server12345678 server123456789 server1234567890
        sojdlg123aljg somanypickles27 sonnenschein sonyericsson specialinsta spring123456 spring1234567 spring12345678
        spring123456789 spring1234567890 startfinding starwarsfan10 stefangreil1983 stickdaddy77 stinkyfinger
        stratocaster summer123456 summer1234567 summer12345678 summer123456789 summer1234567890 superman123!
        superman1234 superman12345 superman123456 superman1234567 superman12345678 superman123456789
        superman1234567890 superman2020 superman2021 superman2022 superman2023 superman2024 superman2024! superman2025
        superman2025! superman2026 superman2026! superman2027 supernatural supersecretpassword systemofadown
        telechargement temp12345678 temp123456789 temp1234567890 temppassword test12345678 test123456789
        test1234567890 thecakeisalie thisismypassword ticketmaster total12scherz transformers trustno1trustno1
        vanyarespekt verysecretpassword vfhbyfvfhbyf vfrcbvvfrcbv vfvfvskfhfve vitor1268123 vladimirovna warhammer40k
        wazzkaprivet websolutions websolutionssu webuivalidat weihnachtsbau weihnachtsbaum welcome12345 welcome123456
        welcome1234567 welcome12345678 welcome123456789 welcome1234567890 welcome2024! welcome2025! welcome2026!
        welcometothejungle weronika1992 whosyourdaddy winter123456 winter1234567 winter12345678 winter123456789
        winter1234567890 xantria10315 xtseo2011tdx xxxp455w0rd5 yandi20080527 yemi19900911 yfdbufnjh10305070
        z1x2c3v4b5n6m7 zaq12wsxcde34rfv zaq1xsw2cde3 zaqwsxcderfv zcfvfzkexifz zmx870919123 zqjphsyf6ctifgu
        zxcasdqwe123 zxcvbn123456 zxcvbnm123456789
        """
}
